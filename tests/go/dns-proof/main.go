// Prints the records that external-dns makes of a rendered tree: its own sources of Services and
// HTTPRoutes with fake API servers, its DNSEndpoint type, and its planner. No DNS provider, no network.
// With the argument "sync" it is one turn of external-dns: a real API server, and the provider for CoreDNS.
// With the argument "crd" it prints the definition of DNSEndpoints that external-dns brings.
package main

import (
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/sirupsen/logrus"

	"sigs.k8s.io/external-dns/endpoint"
	"sigs.k8s.io/external-dns/plan"
	"sigs.k8s.io/external-dns/source/annotations"
)

// definition is the file of the CustomResourceDefinition in the module of external-dns, in base64. build.sh sets it.
var definition string

func main() {
	if len(os.Args) == 2 && os.Args[1] == "crd" {
		text, err := base64.StdEncoding.DecodeString(definition)
		if err != nil || len(text) == 0 {
			fmt.Fprintln(os.Stderr, "dns-proof crd: built without the definition, use build.sh")
			os.Exit(1)
		}
		_, _ = os.Stdout.Write(text)
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "sync" {
		if err := runSync(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "dns-proof sync:", err)
			os.Exit(1)
		}
		return
	}
	prefix := flag.String("annotation-prefix", annotations.DefaultAnnotationPrefix, "as external-dns has it")
	answers := flag.String("answers", "address", "what load balancers answer with: address or name")
	sources := flag.String("source", "service,crd,gateway-httproute", "names of sources, as external-dns has them")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: dns-proof [--annotation-prefix PREFIX] [--answers address|name] [--source NAME,…] TREE")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	logrus.SetOutput(io.Discard)
	annotations.SetAnnotationPrefix(*prefix)
	tree, err := readTree(flag.Arg(0))
	if err == nil {
		err = tree.giveAnswers(*answers)
	}
	var desired []*endpoint.Endpoint
	if err == nil {
		desired, err = tree.endpoints(strings.Split(*sources, ","))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "dns-proof:", err)
		os.Exit(1)
	}
	lines := []string{}
	for _, record := range created(desired) {
		lines = append(lines, line(record))
	}
	slices.Sort(lines)
	for _, line := range lines {
		fmt.Println(line)
	}
}

// created is what external-dns would create in an empty zone.
func created(desired []*endpoint.Endpoint) []*endpoint.Endpoint {
	planned := &plan.Plan{
		Policies:       []plan.Policy{&plan.SyncPolicy{}},
		Desired:        desired,
		ManagedRecords: []string{endpoint.RecordTypeA, endpoint.RecordTypeAAAA, endpoint.RecordTypeCNAME},
	}
	return planned.Calculate().Changes.Create
}

func line(record *endpoint.Endpoint) string {
	targets := slices.Clone([]string(record.Targets))
	slices.Sort(targets)
	text := fmt.Sprintf("%s %d %s %s", record.DNSName, record.RecordTTL, record.RecordType, strings.Join(targets, ","))
	if record.SetIdentifier != "" {
		text += " identifier=" + record.SetIdentifier
	}
	for _, property := range record.ProviderSpecific {
		text += fmt.Sprintf(" %s=%s", property.Name, property.Value)
	}
	return text
}
