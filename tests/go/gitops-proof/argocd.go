package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/sirupsen/logrus"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	appset "github.com/argoproj/argo-cd/v3/applicationset/utils"
	"github.com/argoproj/argo-cd/v3/common"
	argo "github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/reposerver/apiclient"
	"github.com/argoproj/argo-cd/v3/reposerver/repository"
	apppath "github.com/argoproj/argo-cd/v3/util/app/path"
	argodiff "github.com/argoproj/argo-cd/v3/util/argo/diff"
	"github.com/argoproj/argo-cd/v3/util/argo/normalizers"
	"github.com/argoproj/argo-cd/v3/util/git"
	"github.com/argoproj/gitops-engine/pkg/cache"
	"github.com/argoproj/gitops-engine/pkg/diff"
	"github.com/argoproj/gitops-engine/pkg/engine"
	"github.com/argoproj/gitops-engine/pkg/health"
	"github.com/argoproj/gitops-engine/pkg/sync"
	resourceutil "github.com/argoproj/gitops-engine/pkg/sync/resource"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/gitops-engine/pkg/utils/tracing"
)

func init() {
	logrus.SetOutput(io.Discard)
}

// applications reads an Application, or what Argo CD makes of an ApplicationSet; a field that its types do not have is an
// error.
func applications(file string) ([]*argo.Application, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(string(text), "kind: ApplicationSet") {
		app := &argo.Application{}
		return []*argo.Application{app}, yaml.UnmarshalStrict(text, app)
	}
	set := &argo.ApplicationSet{}
	if err := yaml.UnmarshalStrict(text, set); err != nil {
		return nil, err
	}
	var apps []*argo.Application
	meta := set.Spec.Template.ApplicationSetTemplateMeta
	template := &argo.Application{Spec: set.Spec.Template.Spec}
	template.Name, template.Namespace, template.Labels, template.Annotations, template.Finalizers = meta.Name, meta.Namespace, meta.Labels, meta.Annotations, meta.Finalizers
	for _, generator := range set.Spec.Generators {
		if generator.List == nil {
			return nil, errors.New("a generator that is no list")
		}
		for _, element := range generator.List.Elements {
			params := map[string]any{}
			if err := json.Unmarshal(element.Raw, &params); err != nil {
				return nil, err
			}
			app, err := (&appset.Render{}).RenderTemplateParams(template, set.Spec.SyncPolicy, params, set.Spec.GoTemplate, set.Spec.GoTemplateOptions)
			if err != nil {
				return nil, err
			}
			apps = append(apps, app)
		}
	}
	return apps, nil
}

func argoApplications(_ context.Context, arguments []string) (any, error) {
	return applications(arguments[0])
}

// generate does what `argocd app manifests --local` does: the repository server's own code.
func generate(ctx context.Context, file, root string) (*argo.Application, []*unstructured.Unstructured, error) {
	apps, err := applications(file)
	if err != nil {
		return nil, nil, err
	}
	app := apps[0]
	path, err := apppath.Path(root, app.Spec.Source.Path)
	if err != nil {
		return nil, nil, err
	}
	if err := apppath.CheckOutOfBoundsSymlinks(path); err != nil {
		return nil, nil, err
	}
	response, err := repository.GenerateManifests(ctx, path, root, app.Spec.Source.TargetRevision, &apiclient.ManifestRequest{
		Repo:               &argo.Repository{Repo: app.Spec.Source.RepoURL},
		AppLabelKey:        common.LabelKeyAppInstance,
		AppName:            app.Name,
		Namespace:          app.Spec.Destination.Namespace,
		ApplicationSource:  app.Spec.Source,
		TrackingMethod:     string(argo.TrackingMethodAnnotation),
		ProjectName:        app.Spec.Project,
		ProjectSourceRepos: []string{"*"},
	}, true, &git.NoopCredsStore{}, resource.MustParse("10M"), nil)
	if err != nil {
		return nil, nil, err
	}
	objects := make([]*unstructured.Unstructured, 0, len(response.Manifests))
	for _, manifest := range response.Manifests {
		object, err := argo.UnmarshalToUnstructured(manifest)
		if err != nil {
			return nil, nil, err
		}
		objects = append(objects, object)
	}
	return app, objects, nil
}

func argoManifests(ctx context.Context, arguments []string) (any, error) {
	start := time.Now()
	_, objects, err := generate(ctx, arguments[0], arguments[1])
	if err != nil {
		return nil, err
	}
	return map[string]any{"seconds": time.Since(start).Seconds(), "objects": objects}, nil
}

// cluster is a live cluster as the application controller keeps it.
func cluster(kubeconfig string, app *argo.Application) (engine.GitOpsEngine, cache.ClusterCache, func(*cache.Resource) bool, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, nil, nil, err
	}
	config.QPS, config.Burst = 500, 500
	// The annotation tells whose an object is: `app:group/kind:namespace/name`.
	clusterCache := cache.NewClusterCache(config,
		cache.SetLogr(logr.Discard()),
		cache.SetPopulateResourceInfoHandler(func(object *unstructured.Unstructured, _ bool) (any, bool) {
			id := object.GetAnnotations()[common.AnnotationKeyAppInstance]
			return id, id != ""
		}),
	)
	isManaged := func(resource *cache.Resource) bool {
		id, _ := resource.Info.(string)
		return strings.HasPrefix(id, app.Name+":") && strings.HasSuffix(id, "/"+resource.Ref.Name)
	}
	syncer := engine.NewEngine(config, clusterCache, engine.WithLogr(logr.Discard()))
	_, err = syncer.Run()
	return syncer, clusterCache, isManaged, err
}

func argoSync(ctx context.Context, arguments []string) (any, error) {
	app, objects, err := generate(ctx, arguments[0], arguments[1])
	if err != nil {
		return nil, err
	}
	syncer, clusterCache, isManaged, err := cluster(arguments[2], app)
	if err != nil {
		return nil, err
	}
	policy := app.Spec.SyncPolicy
	// As autoSync in controller/appcontroller.go has it, which is private.
	if policy.Automated.Prune && !policy.Automated.AllowEmpty {
		live, err := clusterCache.GetManagedLiveObjs(objects, isManaged)
		if err != nil {
			return nil, err
		}
		if len(objects) == 0 && len(live) > 0 {
			return nil, errors.New("auto-sync will wipe out all resources")
		}
	}
	results, err := syncer.Sync(ctx, objects, isManaged, "revision", app.Spec.Destination.Namespace,
		sync.WithOperationSettings(false, policy.Automated.Prune, false, false),
		sync.WithPruneLast(policy.SyncOptions.HasOption("PruneLast=true")),
		sync.WithReplace(policy.SyncOptions.HasOption("Replace=true")),
		sync.WithServerSideApply(policy.SyncOptions.HasOption("ServerSideApply=true")),
		sync.WithServerSideApplyManager(common.ArgoCDSSAManager),
		sync.WithManifestValidation(true),
		sync.WithLogr(logr.Discard()),
	)
	if err != nil {
		return nil, err
	}
	seen := map[string]string{}
	for _, result := range results {
		seen[fmt.Sprintf("%s/%s/%s", result.ResourceKey.Kind, result.ResourceKey.Namespace, result.ResourceKey.Name)] = fmt.Sprintf("%s: %s", result.Status, result.Message)
	}
	return seen, nil
}

// argoDiff is the application controller's comparison, once as it is for an Application with ServerSideApply and once
// with its server-side diff, and which of them the Application asks for.
func argoDiff(ctx context.Context, arguments []string) (any, error) {
	app, objects, err := generate(ctx, arguments[0], arguments[1])
	if err != nil {
		return nil, err
	}
	_, clusterCache, isManaged, err := cluster(arguments[2], app)
	if err != nil {
		return nil, err
	}
	live, err := clusterCache.GetManagedLiveObjs(objects, isManaged)
	if err != nil {
		return nil, err
	}
	config, err := clientcmd.BuildConfigFromFlags("", arguments[2])
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 500, 500
	applier, cleanup, err := kube.ManageServerSideDiffDryRuns(config, clusterCache.GetOpenAPISchema(), tracing.NopTracer{}, logr.Discard(), func(string) (kube.CleanupFunc, error) { return func() {}, nil })
	if err != nil {
		return nil, err
	}
	defer cleanup()
	// It takes what it finds out of the map.
	reconciled := sync.Reconcile(objects, maps.Clone(live), app.Spec.Destination.Namespace, clusterCache)
	different := map[string][]string{}
	for name, serverSide := range map[string]bool{"structured": false, "serverSide": true} {
		settings, err := argodiff.NewDiffConfigBuilder().
			WithDiffSettings(app.Spec.IgnoreDifferences, nil, false, normalizers.IgnoreNormalizerOpts{}).
			WithTracking(common.LabelKeyAppInstance, string(argo.TrackingMethodAnnotation)).
			WithNoCache().
			WithGVKParser(clusterCache.GetGVKParser()).
			WithManager(common.ArgoCDSSAManager).
			WithStructuredMergeDiff(true).
			WithServerSideDiff(serverSide).
			WithServerSideDryRunner(diff.NewK8sServerSideDryRunner(applier)).
			Build()
		if err != nil {
			return nil, err
		}
		results, err := argodiff.StateDiffs(reconciled.Live, reconciled.Target, settings)
		if err != nil {
			return nil, err
		}
		found := []string{}
		for index, result := range results.Diffs {
			if result.Modified {
				found = append(found, key(cmpOr(reconciled.Live[index], reconciled.Target[index])))
			}
		}
		slices.Sort(found)
		different[name] = found
	}
	states := map[string]string{}
	for _, object := range live {
		if object == nil {
			continue
		}
		state, err := health.GetResourceHealth(object, nil)
		if err != nil {
			return nil, err
		}
		if state != nil {
			states[key(object)] = string(state.Status)
		}
	}
	return map[string]any{"different": different, "decides": decides(app), "health": states, "managed": len(live)}, nil
}

// decides is the comparison that the application controller uses: `CompareAppState` in controller/state.go, without the
// controller's own flag.
func decides(app *argo.Application) string {
	if resourceutil.HasAnnotationOption(app, common.AnnotationCompareOptions, "ServerSideDiff=true") {
		return "serverSide"
	}
	return "structured"
}

func cmpOr(first, second *unstructured.Unstructured) *unstructured.Unstructured {
	if first != nil {
		return first
	}
	return second
}

func key(object *unstructured.Unstructured) string {
	return fmt.Sprintf("%s/%s/%s", object.GetKind(), object.GetNamespace(), object.GetName())
}
