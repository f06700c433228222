package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// A tree is what was rendered.
type tree struct {
	services []*corev1.Service
	// others are the platform's further objects as JSON, by kind.
	others map[string][][]byte
	// all are all objects as JSON.
	all [][]byte
}

var document = regexp.MustCompile(`(?m)^---([ \t].*)?$`)

func readTree(folder string) (*tree, error) {
	rendered := &tree{others: map[string][][]byte{}}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, part := range document.Split(string(text), -1) {
			if err := rendered.add([]byte(part)); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		return nil
	})
	return rendered, err
}

func (t *tree) add(part []byte) error {
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(part, &kind); err != nil {
		return err
	}
	text, err := yaml.YAMLToJSON(part)
	if err != nil {
		return err
	}
	t.all = append(t.all, text)
	if kind.APIVersion != "v1" || kind.Kind != "Service" {
		t.others[kind.Kind] = append(t.others[kind.Kind], text)
		return nil
	}
	service := new(corev1.Service)
	if err := yaml.UnmarshalStrict(part, service); err != nil {
		return err
	}
	if service.Spec.Type == corev1.ServiceTypeLoadBalancer && service.Labels[poolLabel] != "" {
		if service.Namespace == "" {
			service.Namespace = "default"
		}
		t.services = append(t.services, service)
	}
	return nil
}

func readNodes(file string) ([]*corev1.Node, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var list corev1.NodeList
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var nodes []*corev1.Node
	for i := range list.Items {
		nodes = append(nodes, &list.Items[i])
	}
	return nodes, nil
}

// pools are the nodes by the value of the pool label, and which of the pools had a Service.
type pools struct {
	nodes map[string][]string
	had   map[string]bool
}

func poolsOf(nodes []*corev1.Node, label string) *pools {
	all := &pools{nodes: map[string][]string{}, had: map[string]bool{}}
	for _, node := range nodes {
		// In names of objects a pool is lower case.
		if value := strings.ToLower(node.Labels[label]); value != "" {
			all.nodes[value] = append(all.nodes[value], node.Name)
		}
	}
	return all
}

func (p *pools) of(pool string) []string {
	list := slices.Clone(p.nodes[pool])
	slices.Sort(list)
	return list
}

func (p *pools) seen(pool string) { p.had[pool] = true }

func (p *pools) unseen() []string {
	var list []string
	for pool := range p.nodes {
		if !p.had[pool] {
			list = append(list, pool)
		}
	}
	slices.Sort(list)
	return list
}

func nodeNames(nodes []*corev1.Node) []string {
	var list []string
	for _, node := range nodes {
		list = append(list, node.Name)
	}
	slices.Sort(list)
	return list
}
