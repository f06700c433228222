package azurebinding

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/cloud-provider-azure/pkg/provider/config"
	"sigs.k8s.io/yaml"
)

// What the environment names. Without it there is nothing to test.
const (
	treeVariable   = "LARGESCALE_TREE"         // folder of YAML files, rendered by kubectl largescale
	nodesVariable  = "LARGESCALE_NODES"        // kubectl get nodes -o json
	configVariable = "LARGESCALE_CLOUD_CONFIG" // the provider's configuration (azure.json)
)

func need(t *testing.T, variables ...string) {
	t.Helper()
	for _, name := range variables {
		if os.Getenv(name) == "" {
			t.Skipf("needs %s", strings.Join(variables, ", "))
		}
	}
}

var document = regexp.MustCompile(`(?m)^---([ \t].*)?$`)

// readServices finds the LoadBalancer Services below a folder.
func readServices(folder string) ([]*v1.Service, error) {
	var found []*v1.Service
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(path)) {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, part := range document.Split(string(text), -1) {
			var kind metav1.TypeMeta
			if err := yaml.Unmarshal([]byte(part), &kind); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if kind.APIVersion != "v1" || kind.Kind != "Service" {
				continue
			}
			s := new(v1.Service)
			if err := yaml.UnmarshalStrict([]byte(part), s); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if s.Spec.Type == v1.ServiceTypeLoadBalancer {
				found = append(found, s)
			}
		}
		return nil
	})
	for i, s := range found {
		admit(s, i)
	}
	return found, err
}

// admit fills in what the API server fills in and the provider reads.
func admit(s *v1.Service, number int) {
	if s.Namespace == "" {
		s.Namespace = "default"
	}
	// The number comes first: the provider's names have no room for the whole UID.
	s.UID = types.UID(fmt.Sprintf("%08x-0000-0000-0000-000000000000", number+1))
	if len(s.Spec.IPFamilies) == 0 {
		s.Spec.IPFamilies = []v1.IPFamily{v1.IPv4Protocol}
	}
	if s.Spec.ExternalTrafficPolicy == "" {
		s.Spec.ExternalTrafficPolicy = v1.ServiceExternalTrafficPolicyTypeCluster
	}
	if s.Spec.ExternalTrafficPolicy == v1.ServiceExternalTrafficPolicyTypeLocal && s.Spec.HealthCheckNodePort == 0 {
		s.Spec.HealthCheckNodePort = int32(32767 - number)
	}
	if s.Spec.SessionAffinity == "" {
		s.Spec.SessionAffinity = v1.ServiceAffinityNone
	}
	for i := range s.Spec.Ports {
		port := &s.Spec.Ports[i]
		if port.Protocol == "" {
			port.Protocol = v1.ProtocolTCP
		}
		if port.NodePort == 0 {
			port.NodePort = int32(30000 + number*len(s.Spec.Ports) + i)
		}
	}
}

func readNodes(file string) ([]*v1.Node, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var list v1.NodeList
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	nodes := make([]*v1.Node, 0, len(list.Items))
	for i := range list.Items {
		complete(&list.Items[i], i)
		nodes = append(nodes, &list.Items[i])
	}
	if len(nodes) == 0 {
		return nil, fmt.Errorf("%s: no nodes", file)
	}
	return nodes, nil
}

// complete adds what every kubelet sets and a shortened dump may lack: by them
// the provider finds the machine, and its address.
func complete(n *v1.Node, number int) {
	if n.Labels[v1.LabelHostname] == "" {
		if n.Labels == nil {
			n.Labels = map[string]string{}
		}
		n.Labels[v1.LabelHostname] = n.Name
	}
	if !slices.ContainsFunc(n.Status.Addresses, func(a v1.NodeAddress) bool { return a.Type == v1.NodeInternalIP }) {
		n.Status.Addresses = append(n.Status.Addresses, v1.NodeAddress{Type: v1.NodeInternalIP, Address: privateIP(number)})
	}
}

// readConfig reads the configuration as the provider does. But a field that it
// does not know is an error here: the provider would ignore it in silence.
func readConfig(file string) (*config.Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if err := yaml.UnmarshalStrict(text, new(config.Config)); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return config.ParseConfig(bytes.NewReader(text))
}
