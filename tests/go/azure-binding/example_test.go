package azurebinding

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// These tests are about the tests: what is right passes, and each way to be
// wrong is found. They go through the same files as the real ones.

type copyOf struct{ pool, bindsTo string }

func exampleTree(t *testing.T, annotation string, copies ...copyOf) []*v1.Service {
	t.Helper()
	folder := t.TempDir()
	for i, c := range copies {
		text := fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata:\n  name: nginx-%s-%d\n  labels: {%s: %s, %s: nginx}\n  annotations:\n    %s: %s\n"+
			"spec:\n  type: LoadBalancer\n  selector: {app: nginx}\n  ports:\n  - {name: http, port: 80}\n  - {name: https, port: 443}\n",
			c.pool, i, poolLabel, c.pool, serviceLabel, annotation, c.bindsTo)
		writeFile(t, filepath.Join(folder, fmt.Sprintf("service-%d.yaml", i)), text)
	}
	writeFile(t, filepath.Join(folder, "other.yaml"), "apiVersion: v1\nkind: Service\nmetadata: {name: inside}\nspec: {ports: [{port: 80}]}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: nginx}\n")
	services, err := readServices(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(services) != len(copies) {
		t.Fatalf("read %d Services of %d", len(services), len(copies))
	}
	return services
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// exampleNodes are two pools with two nodes each and a master, as ACS-Engine
// names them, and three nodes that some or all load balancers leave out.
func exampleNodes(t *testing.T, providerID func(pool string, i int) string, excluded exclusion) *truth {
	t.Helper()
	list := v1.NodeList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "List"}}
	add := func(name string, labels map[string]string, providerID string) {
		labels[v1.LabelHostname] = name
		list.Items = append(list.Items, v1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
			Spec:       v1.NodeSpec{ProviderID: providerID},
			Status:     v1.NodeStatus{Addresses: []v1.NodeAddress{{Type: v1.NodeInternalIP, Address: privateIP(len(list.Items))}}},
		})
	}
	for _, pool := range []string{"agentpool1", "agentpool2"} {
		for i := range 2 {
			add(fmt.Sprintf("k8s-%s-42344502-%d", pool, i), map[string]string{"agentpool": pool}, providerID(pool, i))
		}
	}
	for i, label := range [][2]string{
		{v1.LabelNodeExcludeBalancers, ""}, {v1.LabelNodeExcludeBalancers, "false"}, {"kubernetes.azure.com/managed", "false"},
	} {
		add(fmt.Sprintf("k8s-agentpool2-42344502-%d", 2+i),
			map[string]string{"agentpool": "agentpool2", label[0]: label[1]}, providerID("agentpool2", 2+i))
	}
	add("k8s-master-42344502-0", map[string]string{"kubernetes.io/role": "master"}, providerID("master", 0))
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "nodes.json")
	writeFile(t, file, string(text))
	nodes, err := readNodes(file)
	if err != nil {
		t.Fatal(err)
	}
	found, err := findTruth(nodes, excluded)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func noProviderID(string, int) string { return "" }

func scaleSetID(pool string, i int) string {
	return fmt.Sprintf("azure://%svirtualMachineScaleSets/aks-%s-42344502-vmss/virtualMachines/%d", compute, pool, i)
}

// expectProblems: the problems hold these words, one each; no words, no problems.
func expectProblems(t *testing.T, problems []string, words ...string) {
	t.Helper()
	all := strings.Join(problems, "\n")
	for _, word := range words {
		if !strings.Contains(all, word) {
			t.Errorf("no problem with %q in:\n%s", word, all)
		}
	}
	if len(words) == 0 && len(problems) > 0 {
		t.Errorf("unexpected:\n%s", all)
	}
}

func TestExampleServices(t *testing.T) {
	const set1, set2 = "agentpool1-availabilitySet-42344502", "agentpool2-availabilitySet-42344502"
	for _, c := range []struct {
		name   string
		copies []copyOf
		words  []string
	}{
		{"right", []copyOf{{"agentpool1", set1}, {"agentpool2", set2}}, nil},
		{"right in the other order", []copyOf{{"agentpool2", set2}, {"agentpool1", set1}}, nil},
		{"bound to the wrong set", []copyOf{{"agentpool1", set2}, {"agentpool2", set1}},
			[]string{"nginx-agentpool1-0: it is on the load balancers [agentpool2-", "nginx-agentpool2-1: it is on the load balancers [prod]"}},
		{"both bound to one set", []copyOf{{"agentpool1", set1}, {"agentpool2", set1}}, []string{"nginx-agentpool2-1: it is on the load balancers [prod]"}},
		{"a pool without a Service", []copyOf{{"agentpool1", set1}}, []string{"pool agentpool2 has no Service"}},
		{"two Services for a pool", []copyOf{{"agentpool1", set1}, {"agentpool2", set2}, {"agentpool2", set2}}, []string{"share the pool \"agentpool2\""}},
		{"a set that does not exist", []copyOf{{"agentpool1", set1}, {"agentpool2", "agentpool2-availabilitySet-42344503"}}, []string{"not found"}},
		{"a label that no node has", []copyOf{{"agentpool1", set1}, {"agentpool3", set2}}, []string{"which no node is in", "pool agentpool2 has no Service"}},
		{"the masters' set", []copyOf{{"agentpool1", "master-availabilityset-42344502"}, {"agentpool2", set2}}, []string{"not found"}},
		{"other spellings", []copyOf{{"agentpool1", strings.ToLower(set1)}, {"agentpool2", strings.ToUpper(set2)}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			expectProblems(t, bindBasic(t, exampleNodes(t, noProviderID, excludedWithNICs), exampleTree(t, mode, c.copies...)), c.words...)
		})
	}
}

func TestExampleMultipleStandardLoadBalancers(t *testing.T) {
	entries := func(names ...string) string {
		return `{"name":"kubernetes","primaryVMSet":"` + names[0] + `","allowServicePlacement":true},{"name":"lb2","primaryVMSet":"` + names[1] + `","allowServicePlacement":true}`
	}
	sets := entries("agentpool1-availabilitySet-42344502", "agentpool2-availabilitySet-42344502")
	scaleSets := entries("aks-agentpool1-42344502-vmss", "aks-agentpool2-42344502-vmss")
	right := []copyOf{{"agentpool1", "kubernetes"}, {"agentpool2", "lb2"}}
	for _, c := range []struct {
		name    string
		entries string
		ids     func(string, int) string
		copies  []copyOf
		words   []string
	}{
		{"right", sets, noProviderID, right, nil},
		{"right in the other order", sets, noProviderID, []copyOf{right[1], right[0]}, nil},
		{"right, scale sets", scaleSets, scaleSetID, right, nil},
		{"the other's load balancer", sets, noProviderID, []copyOf{{"agentpool1", "lb2"}, {"agentpool2", "kubernetes"}},
			[]string{"nginx-agentpool1-0: it is on the load balancers [lb2]", "nginx-agentpool2-1: it is on the load balancers [kubernetes]"}},
		{"an unknown load balancer", sets, noProviderID, []copyOf{{"agentpool1", "kubernetes"}, {"agentpool2", "lb9"}}, []string{"none of them is defined"}},
		{"a pool without a Service", sets, noProviderID, right[:1], []string{"pool agentpool2 has no Service"}},
		{"the VM sets swapped", entries("agentpool2-availabilitySet-42344502", "agentpool1-availabilitySet-42344502"), noProviderID, right, []string{"its pool's load balancer is"}},
		{"a VM set that does not exist", entries("agentpool1-availabilitySet-42344502", "agentpool3-availabilitySet-42344502"), noProviderID, right, []string{"no configuration has the VM set of pool agentpool2"}},
		{"no load balancer named as the cluster", strings.ReplaceAll(sets, `"kubernetes"`, `"lb1"`), noProviderID, []copyOf{{"agentpool1", "lb1"}, {"agentpool2", "lb2"}}, []string{`no configuration named "kubernetes"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "azure.json")
			writeFile(t, file, `{"loadBalancerSku":"standard","loadBalancerBackendPoolConfigurationType":"nodeIP","multipleStandardLoadBalancerConfigurations":[`+c.entries+`]}`)
			cfg, err := readConfig(file)
			if err != nil {
				t.Fatal(err)
			}
			expectProblems(t, bindMultiple(t, cfg, "kubernetes", exampleNodes(t, c.ids, excludedByServiceController), exampleTree(t, configurations, c.copies...)), c.words...)
		})
	}
}

func TestAnUnknownFieldOfTheConfigurationIsFound(t *testing.T) {
	file := filepath.Join(t.TempDir(), "azure.json")
	writeFile(t, file, `{"multipleStandardLoadBalancerConfigurations":[{"name":"kubernetes","primaryVMSet":"a","autoPlaceServices":true}]}`)
	if _, err := readConfig(file); err == nil || !strings.Contains(err.Error(), "autoPlaceServices") {
		t.Fatalf("want an error about autoPlaceServices, got %v", err)
	}
}
