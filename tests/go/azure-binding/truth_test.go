package azurebinding

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	v1 "k8s.io/api/core/v1"
)

// truth is what the cluster is, worked out here from the label and the names
// that ACS-Engine gives, and not from anything that kubectl largescale says.
type truth struct {
	machines []machine
	pools    []string            // those with members, in the order of their first one
	sets     map[string]string   // pool -> availability set or scale set; all pools
	members  map[string][]string // pool -> nodes that may be behind a load balancer
}

var (
	acsName     = regexp.MustCompile(`^k8s-.+-(\d{8})-\d+$`)
	scaleSetURI = regexp.MustCompile(`(?i)^azure://.*/virtualMachineScaleSets/([^/]+)/virtualMachines/`)
)

func isControlPlane(n *v1.Node) bool {
	_, master := n.Labels["node-role.kubernetes.io/master"]
	_, controlPlane := n.Labels["node-role.kubernetes.io/control-plane"]
	return master || controlPlane || n.Labels["kubernetes.io/role"] == "master"
}

// exclusion says which nodes are in a pool but behind no load balancer.
type exclusion func(*v1.Node) bool

// The service controller does not even tell the provider about these.
func excludedByServiceController(n *v1.Node) bool {
	value, labelled := n.Labels[v1.LabelNodeExcludeBalancers]
	included, err := strconv.ParseBool(value)
	return labelled && (err != nil || included)
}

// Where the provider joins NICs, so with Basic load balancers, it leaves out
// more: with the label whatever its value, and what it does not manage. Where
// it joins addresses it relies on the service controller alone.
func excludedWithNICs(n *v1.Node) bool {
	_, labelled := n.Labels[v1.LabelNodeExcludeBalancers]
	return labelled || strings.EqualFold(n.Labels["kubernetes.azure.com/managed"], "false")
}

func findTruth(nodes []*v1.Node, excluded exclusion) (*truth, error) {
	t := &truth{sets: map[string]string{}, members: map[string][]string{}}
	// Windows nodes do not have the cluster's eight digits in their names.
	digits := map[string]bool{}
	for _, n := range nodes {
		if m := acsName.FindStringSubmatch(n.Name); m != nil {
			digits[m[1]] = true
		}
	}
	for _, n := range nodes {
		set, err := vmSet(n, slices.Sorted(maps.Keys(digits)))
		if err != nil {
			return nil, err
		}
		t.machines = append(t.machines, machine{node: n, set: set})
		if isControlPlane(n) {
			continue
		}
		pool := n.Labels["agentpool"]
		if pool == "" {
			return nil, fmt.Errorf("node %s has no label agentpool", n.Name)
		}
		if known, seen := t.sets[pool]; seen && known != set {
			return nil, fmt.Errorf("pool %s is in %s and in %s", pool, known, set)
		}
		t.sets[pool] = set
		if excluded(n) {
			continue
		}
		if !slices.Contains(t.pools, pool) {
			t.pools = append(t.pools, pool)
		}
		t.members[pool] = append(t.members[pool], n.Name)
	}
	for _, names := range t.members {
		slices.Sort(names)
	}
	if len(t.pools) == 0 {
		return nil, fmt.Errorf("%d nodes and no pool", len(nodes))
	}
	return t, nil
}

func vmSet(n *v1.Node, digits []string) (string, error) {
	if m := scaleSetURI.FindStringSubmatch(n.Spec.ProviderID); m != nil {
		return m[1], nil
	}
	suffix := ""
	if m := acsName.FindStringSubmatch(n.Name); m != nil {
		suffix = m[1]
	} else if len(digits) == 1 {
		suffix = digits[0]
	} else {
		return "", fmt.Errorf("node %s is not named as ACS-Engine does, and the others have the digits %v", n.Name, digits)
	}
	if isControlPlane(n) {
		return "master-availabilityset-" + suffix, nil
	}
	return n.Labels["agentpool"] + "-availabilitySet-" + suffix, nil
}

func (t *truth) usesScaleSets() bool {
	return slices.ContainsFunc(t.machines, func(m machine) bool {
		return scaleSetURI.MatchString(m.node.Spec.ProviderID)
	})
}
