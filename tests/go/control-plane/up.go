package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type upOptions struct {
	dir       string
	nodes     int
	nodesFrom string
	without   []string
	addresses string
	timeout   time.Duration
}

func (o upOptions) has(part string) bool { return !slices.Contains(o.without, part) }

// optional are the parts that --without may name.
var optional = []string{"kube-controller-manager", "kube-scheduler", "service-lb", "fake-kubelet"}

func runUp(args []string) error {
	fs := flag.NewFlagSet("up", flag.ExitOnError)
	var o upOptions
	fs.StringVar(&o.dir, "dir", "", "working directory; gets admin.kubeconfig, tokens.csv, logs/, pki/ and etcd/")
	fs.IntVar(&o.nodes, "nodes", 0, "fake nodes to register")
	fs.StringVar(&o.nodesFrom, "nodes-from", "", "file with a JSON v1 List of nodes to register")
	without := fs.String("without", "", "parts not to start, separated by commas: "+strings.Join(optional, ","))
	fs.StringVar(&o.addresses, "load-balancer-addresses", defaultAddresses, "block of IPv4 addresses that service-lb gives out")
	fs.DurationVar(&o.timeout, "timeout", 3*time.Minute, "time to become ready")
	wanted := fs.String("ports", "", "ports to try first, separated by commas: etcd for clients, etcd for peers, API server (default: free ones)")
	withStdin := fs.Bool("until-stdin-closes", false, "stop when standard input is closed, so that a test that dies takes the cluster with it; until then its lines are orders")
	_ = fs.Parse(args) // ExitOnError: it does not return an error
	if fs.NArg() > 0 {
		return fmt.Errorf("up does not understand %q", fs.Arg(0))
	}
	if o.dir == "" {
		return errors.New("up needs --dir")
	}
	if _, err := addressBlock(o.addresses); err != nil {
		return fmt.Errorf("--load-balancer-addresses: %w", err)
	}
	var err error
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return err
	}
	if *without != "" {
		o.without = strings.Split(*without, ",")
	}
	for _, part := range o.without {
		if !slices.Contains(optional, part) {
			return fmt.Errorf("--without knows %s, not %q", strings.Join(optional, ", "), part)
		}
	}
	if !o.has("fake-kubelet") && (o.nodes > 0 || o.nodesFrom != "") {
		return errors.New("it is fake-kubelet that registers nodes: --nodes and --nodes-from need it")
	}
	ports, err := portsToTry(*wanted)
	if err != nil {
		return err
	}

	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	var orders chan string // for ever silent, unless somebody may give some
	if *withStdin {
		orders = make(chan string, 64)
		go func() {
			readOrders(os.Stdin, orders)
			cancel()
		}()
	}
	// Between looking for free ports and using them another process may take
	// one. Twice in a row would be no accident.
	err = o.run(ctx, ports, orders)
	if errors.Is(err, errPortTaken) {
		log.Printf("%v; trying once more with others", err)
		if ports, err = portsToTry(""); err == nil {
			err = o.run(ctx, ports, orders)
		}
	}
	if ctx.Err() != nil {
		return nil // we were asked to stop, perhaps before everything was up
	}
	return err
}

// run is one life of the cluster: everything is up, one line says so, and it
// returns with everything stopped.
func (o upOptions) run(ctx context.Context, ports []int, orders <-chan string) error {
	began := time.Now()
	c, err := newCluster(o.dir, ports)
	if err != nil {
		return err
	}
	s, err := newSupervisor(filepath.Join(o.dir, "logs"))
	if err != nil {
		return err
	}
	defer s.stop()

	ready, stopWaiting := context.WithTimeout(ctx, o.timeout)
	defer stopWaiting()
	if err := o.startAll(ready, s, c); err != nil {
		return err
	}
	line, err := json.Marshal(map[string]any{
		"kubeconfig": c.kubeconfig("admin"),
		"server":     c.server,
		"etcd":       c.etcdClient,
		"ca":         c.pki.path("ca.crt"),
		"seconds":    time.Since(began).Seconds(),
	})
	if err != nil {
		return err
	}
	fmt.Println(string(line)) // the test reads this one line and goes on

	for {
		select {
		case <-ctx.Done():
			return nil
		case c := <-s.failed:
			return lateEnd(c.ended())
		case order := <-orders:
			// Here and not beside, because children have to be started by this
			// thread (see init).
			err := o.obey(ctx, s, c, order)
			if errors.Is(err, errEnded) {
				return lateEnd(err)
			}
			if err := answer(order, err); err != nil {
				return err
			}
		}
	}
}

// lateEnd is not errPortTaken any more: there is no second life.
func lateEnd(err error) error { return errors.New("after it was ready, " + err.Error()) }

func (o upOptions) startAll(ctx context.Context, s *supervisor, c *cluster) error {
	if err := s.start("etcd", etcdFlags(filepath.Join(c.dir, "etcd"), c.etcdClient, c.etcdPeer)...); err != nil {
		return err
	}
	if err := s.start("kube-apiserver", c.apiserverFlags(o.has("kube-controller-manager"))...); err != nil {
		return err
	}
	if err := s.await(ctx, c.server+"/readyz", c.askReady()); err != nil {
		return err
	}
	if o.has("kube-controller-manager") {
		if err := s.start("kube-controller-manager", c.controllerManagerFlags()...); err != nil {
			return err
		}
	}
	if o.has("kube-scheduler") {
		if err := s.start("kube-scheduler", c.schedulerFlags()...); err != nil {
			return err
		}
	}
	if o.has("service-lb") {
		calls := filepath.Join(c.dir, "load-balancer-calls.jsonl")
		if err := s.start("service-lb", "--kubeconfig", c.kubeconfig("admin"), "--calls", calls, "--addresses", o.addresses); err != nil {
			return err
		}
	}
	if o.has("fake-kubelet") {
		registered := c.nodesReady()
		if err := os.Remove(registered); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := s.start("fake-kubelet", "--kubeconfig", c.kubeconfig("admin"),
			"--nodes", strconv.Itoa(o.nodes), "--nodes-from", o.nodesFrom, "--ready-file", registered); err != nil {
			return err
		}
		if err := s.await(ctx, "nodes", c.askNodes()); err != nil {
			return err
		}
	}
	if o.has("kube-controller-manager") {
		// Without it the API server refuses every pod.
		ask, err := askDefaultServiceAccount(ctx, c.kubeconfig("admin"))
		if err != nil {
			return err
		}
		return s.await(ctx, "service account default/default", ask)
	}
	return nil
}

// portsToTry returns three ports: the wanted ones, or free ones.
func portsToTry(wanted string) ([]int, error) {
	const count = 3
	var ports []int
	if wanted != "" {
		for _, text := range strings.Split(wanted, ",") {
			port, err := strconv.Atoi(text)
			if err != nil {
				return nil, fmt.Errorf("--ports: %w", err)
			}
			ports = append(ports, port)
		}
		if len(ports) != count {
			return nil, fmt.Errorf("--ports needs %d ports", count)
		}
		return ports, nil
	}
	for range count {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // only at the end, or we would get the same one again
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
