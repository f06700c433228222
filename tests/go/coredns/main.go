// Command coredns is CoreDNS with the plugins that the tests need.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/etcd"
	_ "github.com/coredns/coredns/plugin/file"
	_ "github.com/coredns/coredns/plugin/log"
)

// In the order of CoreDNS' own plugin.cfg: a query passes them from left to right.
func init() {
	dnsserver.Directives = []string{"bind", "errors", "log", "file", "etcd"}
}

func main() { coremain.Run() }
