package main

import "go.etcd.io/etcd/server/v3/etcdmain"

// runEtcd is etcd itself, with its own flags, so that a wrapper script around
// this part can stand where others expect the real program. It leaves through
// os.Exit or a signal.
func runEtcd(args []string) {
	etcdmain.Main(append([]string{"etcd"}, args...))
}

// etcdFlags are for a store that is thrown away with its test.
func etcdFlags(dir, client, peer string) []string {
	const name = "test"
	return []string{
		"--name=" + name,
		"--data-dir=" + dir,
		"--listen-client-urls=" + client,
		"--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer,
		"--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=" + name + "=" + peer,
		"--unsafe-no-fsync",
		"--backend-batch-interval=50ms",
		"--quota-backend-bytes=4294967296",
		"--auto-compaction-mode=periodic",
		"--auto-compaction-retention=5m",
		"--max-request-bytes=4194304",
		"--log-level=error", // "warn" writes a line for each slow request
	}
}
