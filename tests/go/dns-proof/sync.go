package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"sigs.k8s.io/external-dns/endpoint"
	"sigs.k8s.io/external-dns/pkg/apis/externaldns"
	"sigs.k8s.io/external-dns/plan"
	"sigs.k8s.io/external-dns/provider"
	"sigs.k8s.io/external-dns/provider/coredns"
	"sigs.k8s.io/external-dns/registry"
	"sigs.k8s.io/external-dns/registry/noop"
	"sigs.k8s.io/external-dns/registry/txt"
	"sigs.k8s.io/external-dns/source"
	"sigs.k8s.io/external-dns/source/annotations"
)

// managed are the types of records that external-dns manages by default.
var managed = []string{endpoint.RecordTypeA, endpoint.RecordTypeAAAA, endpoint.RecordTypeCNAME}

// runSync is one turn of external-dns: it reads the Services or DNSEndpoints of a cluster, and writes their records to the etcd that
// CoreDNS reads. It prints each change.
func runSync(args []string) error {
	fs := flag.NewFlagSet("sync", flag.ExitOnError)
	kubeconfig := fs.String("kubeconfig", "", "the cluster")
	etcd := fs.String("etcd", "", "URL of the etcd that CoreDNS reads")
	path := fs.String("coredns-prefix", "/skydns/", "as external-dns has it")
	zone := fs.String("domain-filter", "", "as external-dns has it: records outside of this zone are left alone")
	kind := fs.String("registry", "txt", "as external-dns has it: txt or noop")
	prefix := fs.String("annotation-prefix", annotations.DefaultAnnotationPrefix, "as external-dns has it")
	sources := fs.String("source", "service", "names of sources, as external-dns has them: service, crd")
	owner := fs.String("txt-owner-id", "proof", "as external-dns has it")
	_ = fs.Parse(args) // ExitOnError: it does not return an error
	if *kubeconfig == "" || *etcd == "" || *zone == "" || fs.NArg() > 0 {
		return errors.New("usage: dns-proof sync --kubeconfig FILE --etcd URL --domain-filter ZONE [--registry txt|noop]")
	}
	annotations.SetAnnotationPrefix(*prefix)
	// The provider reads the address of etcd from the environment.
	if err := os.Setenv("ETCD_URLS", *etcd); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	connection, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	config := &externaldns.Config{
		CoreDNSPrefix:         *path,
		TXTOwnerID:            *owner,
		ManagedDNSRecordTypes: managed,
	}
	filter := endpoint.NewDomainFilter([]string{*zone})
	records, err := coredns.New(ctx, config, filter)
	if err != nil {
		return err
	}
	open := txt.New
	if *kind == "noop" {
		open = noop.New
	}
	owned, err := open(config, records)
	if err != nil {
		return err
	}
	var found []*endpoint.Endpoint
	for _, name := range strings.Split(*sources, ",") {
		endpoints, err := read(ctx, name, connection)
		if err != nil {
			return fmt.Errorf("--source %s: %w", name, err)
		}
		found = append(found, endpoints...)
	}
	return synchronize(ctx, found, owned, filter)
}

// read has what a source of external-dns finds in a cluster.
func read(ctx context.Context, name string, connection *rest.Config) ([]*endpoint.Endpoint, error) {
	config := &source.Config{LabelFilter: labels.Everything()}
	var from source.Source
	var err error
	switch name {
	case "service":
		var client kubernetes.Interface
		if client, err = kubernetes.NewForConfig(connection); err != nil {
			return nil, err
		}
		from, err = source.NewServiceSource(ctx, client, config)
	case "crd":
		from, err = source.NewCRDSource(ctx, connection, config)
	default:
		return nil, errors.New("unknown")
	}
	if err != nil {
		return nil, err
	}
	return from.Endpoints(ctx)
}

// synchronize does what RunOnce of external-dns' controller does. That package imports every provider.
func synchronize(ctx context.Context, found []*endpoint.Endpoint, records registry.Registry, filter *endpoint.DomainFilter) error {
	current, err := records.Records(ctx)
	if err != nil {
		return err
	}
	ctx = context.WithValue(ctx, provider.RecordsContextKey, current)
	desired, err := records.AdjustEndpoints(found)
	if err != nil {
		return err
	}
	planned := (&plan.Plan{
		Policies:       []plan.Policy{&plan.SyncPolicy{}},
		Current:        current,
		Desired:        desired,
		DomainFilter:   endpoint.MatchAllDomainFilters{filter, records.GetDomainFilter()},
		ManagedRecords: managed,
		OwnerID:        records.OwnerID(),
	}).Calculate()
	if !planned.Changes.HasChanges() {
		return nil
	}
	printChanges("create", planned.Changes.Create)
	printChanges("update", planned.Changes.UpdateNew)
	printChanges("delete", planned.Changes.Delete)
	return records.ApplyChanges(ctx, planned.Changes)
}

func printChanges(verb string, records []*endpoint.Endpoint) {
	lines := make([]string, 0, len(records))
	for _, record := range records {
		lines = append(lines, verb+" "+line(record))
	}
	slices.Sort(lines)
	for _, line := range lines {
		fmt.Println(line)
	}
}
