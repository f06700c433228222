// Command cilium-proof counts what the real Cilium writes into its map of Services. It reads a list of Services and EndpointSlices in
// JSON from standard input, as an API server has them, and prints the number of entries for each IP family in JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"time"

	"github.com/cilium/hive/cell"
	"github.com/cilium/statedb"
	"github.com/cilium/statedb/reconciler"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	cmtypes "github.com/cilium/cilium/pkg/clustermesh/types"
	"github.com/cilium/cilium/pkg/datapath/tables"
	"github.com/cilium/cilium/pkg/hive"
	"github.com/cilium/cilium/pkg/k8s"
	k8sClient "github.com/cilium/cilium/pkg/k8s/client/testutils"
	"github.com/cilium/cilium/pkg/k8s/resource"
	corev1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/core/v1"
	discovery "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/discovery/v1"
	k8sTables "github.com/cilium/cilium/pkg/k8s/tables"
	"github.com/cilium/cilium/pkg/lbipamconfig"
	"github.com/cilium/cilium/pkg/loadbalancer"
	lbmaps "github.com/cilium/cilium/pkg/loadbalancer/maps"
	lbreconciler "github.com/cilium/cilium/pkg/loadbalancer/reconciler"
	"github.com/cilium/cilium/pkg/loadbalancer/reflectors"
	"github.com/cilium/cilium/pkg/loadbalancer/writer"
	"github.com/cilium/cilium/pkg/maglev"
	"github.com/cilium/cilium/pkg/node"
	nodeTypes "github.com/cilium/cilium/pkg/node/types"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/source"
)

// thisNode is the name of the node whose map is counted. An endpoint with this nodeName is a pod of that node.
const thisNode = "this-node"

// patience is generous, because a busy machine may need long for what takes a moment on an idle one.
const patience = time.Minute

type counts struct {
	IPv4 int `json:"ipv4"`
	IPv6 int `json:"ipv6"`
}

// world has the objects, and how many rows of Cilium's tables they make.
type world struct {
	services  []*corev1.Service
	slices    []*k8s.Endpoints
	frontends int
	backends  int
}

var quiet = slog.New(slog.DiscardHandler)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	given, err := read(in)
	if err != nil {
		return err
	}
	found, err := count(given)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(found)
}

func read(in io.Reader) (*world, error) {
	var documents []json.RawMessage
	if err := json.NewDecoder(in).Decode(&documents); err != nil {
		return nil, err
	}
	given := &world{}
	for _, document := range documents {
		var kind metav1.TypeMeta
		if err := json.Unmarshal(document, &kind); err != nil {
			return nil, err
		}
		switch kind.Kind {
		case "Service":
			service := &corev1.Service{}
			if err := json.Unmarshal(document, service); err != nil {
				return nil, err
			}
			given.services = append(given.services, service)
			given.frontends += frontends(service)
		case "EndpointSlice":
			slice := &discovery.EndpointSlice{}
			if err := json.Unmarshal(document, slice); err != nil {
				return nil, err
			}
			given.slices = append(given.slices, k8s.ParseEndpointSliceV1(quiet, slice))
			given.backends += len(slice.Endpoints) * len(slice.Ports)
		default:
			return nil, fmt.Errorf("unexpected kind %q", kind.Kind)
		}
	}
	return given, nil
}

// frontends returns the number of rows that the reflector makes of a Service.
func frontends(service *corev1.Service) int {
	scopes := 1
	if service.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal {
		scopes = 2
	}
	all := 0
	for _, port := range service.Spec.Ports {
		all += len(service.Spec.ClusterIPs) + scopes*len(service.Status.LoadBalancer.Ingress)
		if port.NodePort != 0 {
			all += scopes * len(service.Spec.IPFamilies)
		}
	}
	return all
}

func upsert[Object runtime.Object](object Object) resource.Event[Object] {
	return resource.Event[Object]{Object: object, Key: resource.NewKey(object), Kind: resource.Upsert, Done: func(error) {}}
}

func count(given *world) (*counts, error) {
	nodeTypes.SetName(thisNode)
	option.Config.EnableIPv4 = true
	option.Config.EnableIPv6 = true
	services := make(chan resource.Event[*corev1.Service], len(given.services))
	endpoints := make(chan resource.Event[*k8s.Endpoints], len(given.slices))
	for _, slice := range given.slices {
		endpoints <- upsert(slice)
	}
	for _, service := range given.services {
		services <- upsert(service)
	}
	maps := lbmaps.NewFakeLBMaps()
	var db *statedb.DB
	var rows *writer.Writer
	h := cilium(maps, services, endpoints, &db, &rows)
	ctx := context.Background()
	if err := h.Start(quiet, ctx); err != nil {
		return nil, err
	}
	for began := time.Now(); !reconciled(db, rows, given); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > patience {
			return nil, errors.New("the map is not complete: " + shown(db, rows, given))
		}
	}
	var found counts
	err := maps.DumpService(func(key lbmaps.ServiceKey, _ lbmaps.ServiceValue) {
		if key.GetAddress().Is4() {
			found.IPv4++
		} else {
			found.IPv6++
		}
	})
	return &found, errors.Join(err, h.Stop(quiet, ctx))
}

// reconciled returns whether all Services and endpoints are in the map.
func reconciled(db *statedb.DB, rows *writer.Writer, given *world) bool {
	txn := db.ReadTxn()
	if rows.Frontends().NumObjects(txn) != given.frontends || rows.Backends().NumObjects(txn) != given.backends {
		return false
	}
	for frontend := range rows.Frontends().All(txn) {
		if frontend.Status.Kind != reconciler.StatusKindDone {
			return false
		}
	}
	return true
}

func shown(db *statedb.DB, rows *writer.Writer, given *world) string {
	txn := db.ReadTxn()
	return fmt.Sprintf("%d of %d frontends, %d of %d backends", rows.Frontends().NumObjects(txn), given.frontends,
		rows.Backends().NumObjects(txn), given.backends)
}

// cilium returns the load balancer of Cilium without kube-proxy, with its default options and a fake of the map. It is made as
// pkg/loadbalancer/benchmark of Cilium makes it.
func cilium(
	maps lbmaps.LBMaps,
	services <-chan resource.Event[*corev1.Service],
	endpoints <-chan resource.Event[*k8s.Endpoints],
	db **statedb.DB,
	rows **writer.Writer,
) *hive.Hive {
	return hive.New(
		k8sClient.FakeClientCell(),
		node.LocalNodeStoreTestCell,
		k8sTables.PodTableCell,
		writer.Cell,
		lbreconciler.Cell,
		cell.Provide(
			func() cmtypes.ClusterInfo { return cmtypes.ClusterInfo{} },
			func() loadbalancer.Config {
				return loadbalancer.Config{
					UserConfig:  loadbalancer.DefaultUserConfig,
					NodePortMin: loadbalancer.NodePortMinDefault,
					NodePortMax: loadbalancer.NodePortMaxDefault,
				}
			},
			func() loadbalancer.ExternalConfig {
				return loadbalancer.ExternalConfig{
					ZoneMapper:           &option.DaemonConfig{},
					EnableIPv4:           true,
					EnableIPv6:           true,
					KubeProxyReplacement: true,
					EnableLBIPAM:         true,
					DefaultLBServiceIPAM: lbipamconfig.DefaultLBClassLBIPAM,
				}
			},
			func() lbmaps.LBMaps { return maps },
			func(lifecycle cell.Lifecycle) (*maglev.Maglev, maglev.Config, error) {
				config, err := maglev.UserConfig{TableSize: 1021, HashSeed: maglev.DefaultHashSeed}.ToConfig()
				return maglev.New(config, lifecycle), config, err
			},
			func() (<-chan resource.Event[*corev1.Service], <-chan resource.Event[*k8s.Endpoints]) {
				return services, endpoints
			},
			reflectors.EventStreamForBenchmark,
			reflectors.NetnsCookieSupportFunc,
			tables.NewNodeAddressTable,
			statedb.RWTable[tables.NodeAddress].ToTable,
			source.NewSources,
		),
		cell.Invoke(
			func(database *statedb.DB, writer *writer.Writer) { *db, *rows = database, writer },
			reflectors.RegisterK8sReflector,
			func(db *statedb.DB, addresses statedb.RWTable[tables.NodeAddress]) error {
				txn := db.WriteTxn(addresses)
				defer txn.Commit()
				for _, address := range []string{"192.168.0.2", "2001:db8::1"} {
					row := tables.NodeAddress{Addr: netip.MustParseAddr(address), NodePort: true, Primary: true, DeviceName: "eth0"}
					if _, _, err := addresses.Insert(txn, row); err != nil {
						return err
					}
				}
				return nil
			},
		),
	)
}
