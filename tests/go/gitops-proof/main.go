// What Argo CD and Flux do with a rendered tree, by their own packages: no server of theirs, only their code, the
// repository on the disk and the API server of a kubeconfig.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
)

const usage = `usage:
  gitops-proof argocd applications FILE                      the Applications of an Application or ApplicationSet
  gitops-proof argocd manifests FILE REPOSITORY              what Argo CD makes of the tree
  gitops-proof argocd sync FILE REPOSITORY KUBECONFIG        syncs it, with the options of the Application
  gitops-proof argocd diff FILE REPOSITORY KUBECONFIG        what is out of sync, and how healthy it is
  gitops-proof flux objects FILE REPOSITORY                  what Flux makes of the tree
  gitops-proof flux substitute FILE REPOSITORY NAME=VALUE    the objects that postBuild.substitute would change
  gitops-proof flux apply FILE REPOSITORY KUBECONFIG STATE   applies it and prunes what STATE has and it has not
  gitops-proof flux diff FILE REPOSITORY KUBECONFIG          what an apply would change, and how ready it is
FILE is what kubectl largescale init --gitops has written.`

func main() {
	commands := map[string]struct {
		arguments int
		run       func(context.Context, []string) (any, error)
	}{
		"argocd applications": {1, argoApplications},
		"argocd manifests":    {2, argoManifests},
		"argocd sync":         {3, argoSync},
		"argocd diff":         {3, argoDiff},
		"flux objects":        {2, fluxObjects},
		"flux substitute":     {3, fluxSubstitute},
		"flux apply":          {4, fluxApply},
		"flux diff":           {3, fluxDiff},
	}
	if len(os.Args) < 3 {
		fail(2, usage)
	}
	command, known := commands[os.Args[1]+" "+os.Args[2]]
	if !known || len(os.Args)-3 != command.arguments {
		fail(2, usage)
	}
	result, err := command.run(context.Background(), os.Args[3:])
	if err != nil {
		fail(1, err.Error())
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	if err := out.Encode(result); err != nil {
		fail(1, err.Error())
	}
}

func fail(code int, why string) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(code)
}
