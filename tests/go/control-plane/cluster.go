package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// cluster is what the parts have to know of each other: addresses, keys, users.
type cluster struct {
	dir        string
	pki        *pki
	etcdClient string
	etcdPeer   string
	server     string
	port       int
}

// Plain users, for RBAC tests: token,user,uid[,"groups"]. The API server gives
// them no rights; a test that wants some applies the roles itself.
const tokens = `viewer-token,viewer,1,"viewers"
nobody-token,nobody,2
reader-token,reader,3,"readers"
`

func newCluster(dir string, ports []int) (*cluster, error) {
	pki, err := makePKI(filepath.Join(dir, "pki"))
	if err != nil {
		return nil, err
	}
	local := func(scheme string, port int) string { return scheme + "://127.0.0.1:" + strconv.Itoa(port) }
	c := &cluster{
		dir:        dir,
		pki:        pki,
		etcdClient: local("http", ports[0]),
		etcdPeer:   local("http", ports[1]),
		server:     local("https", ports[2]),
		port:       ports[2],
	}
	for name, user := range map[string]identity{
		"admin":                   {"test-admin", []string{"system:masters"}},
		"kube-controller-manager": {"system:kube-controller-manager", nil},
		"kube-scheduler":          {"system:kube-scheduler", nil},
	} {
		if err := pki.writeKubeconfig(c.kubeconfig(name), c.server, user); err != nil {
			return nil, err
		}
	}
	return c, os.WriteFile(c.tokens(), []byte(tokens), 0o600)
}

func (c *cluster) kubeconfig(name string) string { return filepath.Join(c.dir, name+".kubeconfig") }
func (c *cluster) tokens() string                { return filepath.Join(c.dir, "tokens.csv") }
func (c *cluster) nodesReady() string            { return filepath.Join(c.dir, "nodes.ready") }

func (c *cluster) apiserverFlags(withControllerManager bool) []string {
	// Nodes here are registered as Ready, so they need no not-ready taint that
	// the controller manager would lift again, one write for each of 5,000.
	disabled := []string{"TaintNodesByCondition"}
	if !withControllerManager {
		// Nothing would make the service accounts that this one insists on.
		disabled = append(disabled, "ServiceAccount")
	}
	return []string{
		"--etcd-servers=" + c.etcdClient,
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(c.port),
		"--advertise-address=127.0.0.1",   // a machine without a default route finds none
		"--endpoint-reconciler-type=none", // a loopback address is not a valid endpoint
		"--service-cluster-ip-range=10.96.0.0/12",
		"--tls-cert-file=" + c.pki.path("apiserver.crt"),
		"--tls-private-key-file=" + c.pki.path("apiserver.key"),
		"--client-ca-file=" + c.pki.path("ca.crt"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + c.pki.path("sa.pub"),
		"--service-account-signing-key-file=" + c.pki.path("sa.key"),
		"--token-auth-file=" + c.tokens(),
		"--authorization-mode=Node,RBAC",
		"--allow-privileged=true",
		"--anonymous-auth=true", // RBAC lets it see /readyz, /livez and /version only
		"--disable-admission-plugins=" + strings.Join(disabled, ","),
		"--profiling=false",
		"--max-requests-inflight=2000",
		"--max-mutating-requests-inflight=1000",
		"--enable-priority-and-fairness=false",
		"--event-ttl=10m",
		"--shutdown-delay-duration=0s",
	}
}

func (c *cluster) controllerManagerFlags() []string {
	own := c.kubeconfig("kube-controller-manager")
	return []string{
		"--kubeconfig=" + own,
		"--authentication-kubeconfig=" + own,
		"--authorization-kubeconfig=" + own,
		"--use-service-account-credentials=true",
		"--service-account-private-key-file=" + c.pki.path("sa.key"),
		"--root-ca-file=" + c.pki.path("ca.crt"),
		"--cluster-signing-cert-file=" + c.pki.path("ca.crt"),
		"--cluster-signing-key-file=" + c.pki.path("ca.key"),
		"--bind-address=127.0.0.1",
		"--secure-port=0", // nobody asks it anything
		"--leader-elect=false",
		"--allocate-node-cidrs=false",
		"--node-monitor-grace-period=24h", // nobody renews 5,000 leases
		// ttl would patch every node once more; nothing reads what it writes.
		"--controllers=*,-ttl-controller",
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
		"--concurrent-deployment-syncs=20",
	}
}

func (c *cluster) schedulerFlags() []string {
	own := c.kubeconfig("kube-scheduler")
	return []string{
		"--kubeconfig=" + own,
		"--authentication-kubeconfig=" + own,
		"--authorization-kubeconfig=" + own,
		"--bind-address=127.0.0.1",
		"--secure-port=0",
		"--leader-elect=false",
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
	}
}

// askReady asks the API server whether it is ready.
func (c *cluster) askReady() func() error { return c.askHealth(c.server + "/readyz") }

// askEtcd asks etcd whether it can be written to.
func (c *cluster) askEtcd() func() error { return c.askHealth(c.etcdClient + "/health") }

// askNodes asks whether fake-kubelet has registered all its nodes.
func (c *cluster) askNodes() func() error {
	return func() error {
		_, err := os.Stat(c.nodesReady())
		return err
	}
}

func (c *cluster) askHealth(url string) func() error {
	client := &http.Client{
		Timeout:   2 * time.Second,
		Transport: &http.Transport{TLSClientConfig: c.pki.clientTLS()}, // no Proxy: it is loopback
	}
	return func() error {
		resp, err := client.Get(url)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", resp.Status, text)
		}
		return nil
	}
}

// askDefaultServiceAccount asks whether the controller manager has made the
// service account that pods of the default namespace use.
func askDefaultServiceAccount(ctx context.Context, kubeconfig string) (func() error, error) {
	client, err := connect(kubeconfig)
	if err != nil {
		return nil, err
	}
	return func() error {
		_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		return err
	}, nil
}

func connect(kubeconfig string) (kubernetes.Interface, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	cfg.QPS, cfg.Burst = -1, 0 // no client-side limit: it is our own API server
	cfg.ContentType = "application/vnd.kubernetes.protobuf"
	return kubernetes.NewForConfig(cfg)
}
