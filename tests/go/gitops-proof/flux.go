package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	fluxv1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/normalize"
	ssautil "github.com/fluxcd/pkg/ssa/utils"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
)

// synced reads the GitRepository and the Kustomization of a file; a field that Flux's types do not have is an error.
func synced(file string) (*fluxv1.Kustomization, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var kustomization *fluxv1.Kustomization
	var source *sourcev1.GitRepository
	for _, document := range strings.Split(string(text), "\n---\n") {
		switch {
		case strings.Contains(document, "\nkind: GitRepository"):
			source = &sourcev1.GitRepository{}
			err = yaml.UnmarshalStrict([]byte(document), source)
		case strings.Contains(document, "\nkind: Kustomization"):
			kustomization = &fluxv1.Kustomization{}
			err = yaml.UnmarshalStrict([]byte(document), kustomization)
		default:
			err = fmt.Errorf("%s: neither a GitRepository nor a Kustomization:\n%s", file, document)
		}
		if err != nil {
			return nil, err
		}
	}
	if source == nil || kustomization == nil || kustomization.Spec.SourceRef.Name != source.Name {
		return nil, fmt.Errorf("%s: a Kustomization of its GitRepository is missing", file)
	}
	return kustomization, nil
}

// build does what the kustomize controller does with the directory: generate and build in kustomizationReconciler.
func build(file, root string) (*fluxv1.Kustomization, []*unstructured.Unstructured, error) {
	kustomization, err := synced(file)
	if err != nil {
		return nil, nil, err
	}
	// It works on a copy of the artifact.
	work, err := os.MkdirTemp("", "flux-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(work)
	if err := os.CopyFS(work, os.DirFS(root)); err != nil {
		return nil, nil, err
	}
	directory := filepath.Join(work, kustomization.Spec.Path)
	if _, err := os.Stat(directory); err != nil {
		return nil, nil, fmt.Errorf("kustomization path not found: %w", err)
	}
	raw, err := runtime.DefaultUnstructuredConverter.ToUnstructured(kustomization)
	if err != nil {
		return nil, nil, err
	}
	if _, err := kustomize.NewGenerator(work, unstructured.Unstructured{Object: raw}).WriteFile(directory); err != nil {
		return nil, nil, err
	}
	built, err := kustomize.SecureBuild(work, directory, false)
	if err != nil {
		return nil, nil, err
	}
	text, err := built.AsYaml()
	if err != nil {
		return nil, nil, err
	}
	objects, err := ssautil.ReadObjects(strings.NewReader(string(text)))
	return kustomization, objects, err
}

func fluxObjects(_ context.Context, arguments []string) (any, error) {
	start := time.Now()
	_, objects, err := build(arguments[0], arguments[1])
	if err != nil {
		return nil, err
	}
	return map[string]any{"seconds": time.Since(start).Seconds(), "objects": objects}, nil
}

// fluxSubstitute tells which objects another value would change, with the controller's own substitution.
func fluxSubstitute(ctx context.Context, arguments []string) (any, error) {
	kustomization, _, err := build(arguments[0], arguments[1])
	if err != nil {
		return nil, err
	}
	name, value, _ := strings.Cut(arguments[2], "=")
	kustomization.Spec.PostBuild = &fluxv1.PostBuild{Substitute: map[string]string{name: value}}
	raw, err := runtime.DefaultUnstructuredConverter.ToUnstructured(kustomization)
	if err != nil {
		return nil, err
	}
	directory := filepath.Join(arguments[1], kustomization.Spec.Path)
	work, err := os.MkdirTemp("", "flux-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	if err := os.CopyFS(work, os.DirFS(directory)); err != nil {
		return nil, err
	}
	if _, err := kustomize.NewGenerator(work, unstructured.Unstructured{Object: raw}).WriteFile(work); err != nil {
		return nil, err
	}
	built, err := kustomize.SecureBuild(work, work, false)
	if err != nil {
		return nil, err
	}
	changed := []string{}
	for _, one := range built.Resources() {
		before, err := one.AsYAML()
		if err != nil {
			return nil, err
		}
		after, err := kustomize.SubstituteVariables(ctx, nil, unstructured.Unstructured{Object: raw}, one, kustomize.SubstituteWithDryRun(true))
		if err != nil {
			return nil, fmt.Errorf("%s/%s: %w", one.GetKind(), one.GetName(), err)
		}
		if after == nil {
			continue
		}
		text, err := after.AsYAML()
		if err != nil {
			return nil, err
		}
		if string(text) != string(before) {
			changed = append(changed, one.GetKind()+"/"+one.GetName())
		}
	}
	return changed, nil
}

func manager(kubeconfig string) (*ssa.ResourceManager, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 500, 500
	kubernetes, err := client.New(config, client.Options{})
	if err != nil {
		return nil, err
	}
	poller := polling.NewStatusPoller(kubernetes, kubernetes.RESTMapper(), polling.Options{})
	return ssa.NewResourceManager(kubernetes, poller, ssa.Owner{
		Field: "kustomize-controller",
		Group: fluxv1.GroupVersion.Group,
	}), nil
}

// owned are the objects as the controller applies them.
func owned(arguments []string) (*fluxv1.Kustomization, *ssa.ResourceManager, []*unstructured.Unstructured, error) {
	kustomization, objects, err := build(arguments[0], arguments[1])
	if err != nil {
		return nil, nil, nil, err
	}
	resources, err := manager(arguments[2])
	if err != nil {
		return nil, nil, nil, err
	}
	if err := normalize.UnstructuredList(objects); err != nil {
		return nil, nil, nil, err
	}
	resources.SetOwnerLabels(objects, kustomization.Name, kustomization.Namespace)
	return kustomization, resources, objects, nil
}

// fluxApply applies, and deletes what the last inventory had and the tree has not: what the controller does, in its order.
func fluxApply(ctx context.Context, arguments []string) (any, error) {
	kustomization, resources, objects, err := owned(arguments)
	if err != nil {
		return nil, err
	}
	options := ssa.DefaultApplyOptions()
	options.Force = kustomization.Spec.Force
	changes, err := resources.ApplyAllStaged(ctx, objects, options)
	if err != nil {
		return nil, err
	}
	seen := map[string]string{}
	for _, entry := range changes.Entries {
		seen[entry.Subject] = entry.Action.String()
	}
	var before []*unstructured.Unstructured
	if text, err := os.ReadFile(arguments[3]); err == nil {
		if err := json.Unmarshal(text, &before); err != nil {
			return nil, err
		}
	}
	stale := slices.DeleteFunc(before, func(old *unstructured.Unstructured) bool {
		return slices.ContainsFunc(objects, func(object *unstructured.Unstructured) bool {
			return object.GroupVersionKind().GroupKind() == old.GroupVersionKind().GroupKind() && object.GetNamespace() == old.GetNamespace() && object.GetName() == old.GetName()
		})
	})
	if kustomization.Spec.Prune && len(stale) > 0 {
		deletions := ssa.DefaultDeleteOptions()
		deletions.Inclusions = resources.GetOwnerLabels(kustomization.Name, kustomization.Namespace)
		deletions.Exclusions = map[string]string{fluxv1.GroupVersion.Group + "/prune": fluxv1.DisabledValue}
		deleted, err := resources.DeleteAll(ctx, stale, deletions)
		if err != nil {
			return nil, err
		}
		for _, entry := range deleted.Entries {
			seen[entry.Subject] = entry.Action.String()
		}
	}
	text, err := json.Marshal(objects)
	if err != nil {
		return nil, err
	}
	return seen, os.WriteFile(arguments[3], text, 0o600)
}

func fluxDiff(ctx context.Context, arguments []string) (any, error) {
	kustomization, resources, objects, err := owned(arguments)
	if err != nil {
		return nil, err
	}
	changes, plain, ready := map[string]string{}, map[string]string{}, map[string]string{}
	for _, object := range objects {
		entry, _, _, err := resources.Diff(ctx, object, ssa.DefaultDiffOptions())
		if err != nil {
			return nil, err
		}
		if entry.Action != ssa.UnchangedAction {
			changes[entry.Subject] = entry.Action.String()
		}
		live := object.DeepCopy()
		if err := resources.Client().Get(ctx, client.ObjectKeyFromObject(object), live); err != nil {
			if errors.IsNotFound(err) {
				continue
			}
			return nil, err
		}
		computed, err := status.Compute(live)
		if err != nil {
			return nil, err
		}
		name := live.GetKind() + "/" + live.GetName()
		plain[name], ready[name] = computed.Status.String(), computed.Status.String()
		for _, check := range kustomization.Spec.HealthCheckExprs {
			if check.APIVersion != live.GetAPIVersion() || check.Kind != live.GetKind() {
				continue
			}
			evaluator, err := cel.NewStatusEvaluator(&check.HealthCheckExpressions)
			if err != nil {
				return nil, err
			}
			result, err := evaluator.Evaluate(ctx, live)
			if err != nil {
				return nil, err
			}
			ready[name] = result.Status.String()
		}
	}
	return map[string]any{"different": changes, "withoutExpressions": plain, "ready": ready}, nil
}
