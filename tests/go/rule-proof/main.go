// Command rule-proof evaluates rendered alert rules with the rule engine of Prometheus. It reads tests in the format of
// `promtool test rules`, whose program has too many dependencies to build here.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
	"go.yaml.in/yaml/v2"
	sigsyaml "sigs.k8s.io/yaml"
)

// file is a file of unit tests; the rules come from the command line.
type file struct {
	EvaluationInterval model.Duration `yaml:"evaluation_interval"`
	Tests              []test         `yaml:"tests"`
}

// test has series, and what fires at which time.
type test struct {
	Name        string         `yaml:"name"`
	Interval    model.Duration `yaml:"interval"`
	InputSeries []series       `yaml:"input_series"`
	Alerts      []expectation  `yaml:"alert_rule_test"`
}

type series struct {
	Series string `yaml:"series"`
	Values string `yaml:"values"`
}

// expectation names every alert that fires at a time. Without `alertname` it is about all alerts.
type expectation struct {
	EvalTime  model.Duration `yaml:"eval_time"`
	Alertname string         `yaml:"alertname"`
	ExpAlerts []alert        `yaml:"exp_alerts"`
}

type alert struct {
	Labels      map[string]string `yaml:"exp_labels"`
	Annotations map[string]string `yaml:"exp_annotations"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("usage: rule-proof RULES [TEST.yaml ...]")
	}
	path, done, err := ruleFile(args[0])
	if err != nil {
		return err
	}
	defer done()
	p := parser.NewParser(parser.Options{})
	groups, problems := rulefmt.ParseFile(path, false, model.UTF8Validation, p, promslog.NewNopLogger())
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	count := 0
	for _, group := range groups.Groups {
		count += len(group.Rules)
	}
	fmt.Printf("%d rules\n", count)
	var failed []error
	for _, name := range args[1:] {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var tests file
		if err := yaml.UnmarshalStrict(text, &tests); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, test := range tests.Tests {
			checks, err := test.run(path, time.Duration(tests.EvaluationInterval), p)
			if err != nil {
				failed = append(failed, fmt.Errorf("%s: %s: %w", filepath.Base(name), test.Name, err))
				continue
			}
			fmt.Printf("%s: %d checks\n", test.Name, checks)
		}
	}
	return errors.Join(failed...)
}

// ruleFile returns a file of rules: the given one, or the groups of a PrometheusRule, whose unknown fields are an error.
func ruleFile(path string) (string, func(), error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", nil, err
	}
	if !bytes.Contains(text, []byte("\nkind: PrometheusRule\n")) {
		return path, func() {}, nil
	}
	var rule monitoringv1.PrometheusRule
	if err := sigsyaml.UnmarshalStrict(text, &rule); err != nil {
		return "", nil, err
	}
	plain, err := sigsyaml.Marshal(rule.Spec)
	if err != nil {
		return "", nil, err
	}
	directory, err := os.MkdirTemp("", "rule-proof")
	if err != nil {
		return "", nil, err
	}
	name := filepath.Join(directory, "rules.yaml")
	return name, func() { os.RemoveAll(directory) }, os.WriteFile(name, plain, 0o600)
}

// run evaluates the rules at every interval, and compares the firing alerts at the times of the expectations.
func (t test) run(path string, interval time.Duration, p parser.Parser) (int, error) {
	if t.Interval == 0 {
		t.Interval = model.Duration(interval)
	}
	var load strings.Builder
	fmt.Fprintf(&load, "load %v\n", t.Interval)
	for _, series := range t.InputSeries {
		fmt.Fprintf(&load, "  %s %s\n", series.Series, series.Values)
	}
	suite, err := promqltest.NewLazyLoader(load.String(), promqltest.LazyLoaderOpts{Parser: p})
	if err != nil {
		return 0, err
	}
	defer suite.Close()
	suite.SubqueryInterval = interval
	manager := rules.NewManager(&rules.ManagerOptions{
		QueryFunc:    rules.EngineQueryFunc(suite.QueryEngine(), suite.Storage()),
		AppendableV2: suite.Storage(),
		Context:      context.Background(),
		NotifyFunc:   func(context.Context, string, ...*rules.Alert) {},
		Logger:       promslog.NewNopLogger(),
		Parser:       p,
	})
	groups, problems := manager.LoadGroups(interval, labels.EmptyLabels(), "", nil, false, path)
	if problems != nil {
		return 0, errors.Join(problems...)
	}
	var end time.Duration
	for _, expected := range t.Alerts {
		end = max(end, time.Duration(expected.EvalTime))
	}
	var failed []error
	checks := 0
	for at := time.Duration(0); at <= end; at += interval {
		now := time.Unix(0, 0).UTC().Add(at)
		suite.WithSamplesTill(now, func(err error) {
			if err != nil {
				failed = append(failed, err)
				return
			}
			for _, group := range groups {
				for _, rule := range group.Rules() {
					if alerting, ok := rule.(*rules.AlertingRule); ok {
						alerting.SetRestored(true)
					}
				}
				group.Eval(suite.Context(), now)
				for _, rule := range group.Rules() {
					if err := rule.LastError(); err != nil {
						failed = append(failed, fmt.Errorf("%v: %s: %w", at, rule.Name(), err))
					}
				}
			}
		})
		for _, expected := range t.Alerts {
			if time.Duration(expected.EvalTime) == at {
				checks++
				failed = append(failed, expected.compare(at, groups)...)
			}
		}
	}
	return checks, errors.Join(failed...)
}

// compare returns the difference between the expected and the firing alerts. Labels and annotations that the test leaves out
// are not compared.
func (e expectation) compare(at time.Duration, groups map[string]*rules.Group) []error {
	var firing []*rules.Alert
	for _, group := range groups {
		for _, rule := range group.Rules() {
			alerting, ok := rule.(*rules.AlertingRule)
			if !ok || e.Alertname != "" && alerting.Name() != e.Alertname {
				continue
			}
			for _, active := range alerting.ActiveAlerts() {
				if active.State == rules.StateFiring {
					firing = append(firing, active)
				}
			}
		}
	}
	var failed []error
	for _, expected := range e.ExpAlerts {
		index := slices.IndexFunc(firing, func(found *rules.Alert) bool {
			return has(found.Labels, expected.Labels) && has(found.Annotations, expected.Annotations)
		})
		if index < 0 {
			failed = append(failed, fmt.Errorf("%v: does not fire: %s %v", at, e.Alertname, expected))
			continue
		}
		firing = slices.Delete(firing, index, index+1)
	}
	for _, found := range firing {
		failed = append(failed, fmt.Errorf("%v: fires: %v %v", at, found.Labels, found.Annotations))
	}
	return failed
}

func has(found labels.Labels, expected map[string]string) bool {
	for name, value := range expected {
		if found.Get(name) != value {
			return false
		}
	}
	return true
}
