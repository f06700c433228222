package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/component-base/version"
)

// fieldKinds are the kinds whose fields the table has.
var fieldKinds = map[string]any{
	"v1 Service":          v1.Service{},
	"v1 Pod":              v1.Pod{},
	"apps/v1 Deployment":  appsv1.Deployment{},
	"apps/v1 StatefulSet": appsv1.StatefulSet{},
	"apps/v1 DaemonSet":   appsv1.DaemonSet{},
	"apps/v1 ReplicaSet":  appsv1.ReplicaSet{},
	"batch/v1 Job":        batchv1.Job{},
	"batch/v1 CronJob":    batchv1.CronJob{},
}

// wireForms are the types whose JSON is not that of their Go fields.
var wireForms = map[reflect.Type]string{
	reflect.TypeFor[metav1.Time]():          "string",
	reflect.TypeFor[metav1.MicroTime]():     "string",
	reflect.TypeFor[metav1.Duration]():      "string",
	reflect.TypeFor[[]byte]():               "string",
	reflect.TypeFor[intstr.IntOrString]():   "any",
	reflect.TypeFor[resource.Quantity]():    "any",
	reflect.TypeFor[runtime.RawExtension](): "any",
	reflect.TypeFor[metav1.FieldsV1]():      "any",
}

var marshaler = reflect.TypeFor[json.Marshaler]()

type fieldTable struct {
	kinds map[string]string
	types map[string]map[string]string
}

// runFields prints what the API server of this version knows: every field of
// some kinds, as the Go types say it. A value is "string", "boolean",
// "integer", "number", "any", a name in "types", "[X]" for a list of X or
// "{X}" for a map of X.
func runFields(args []string) error {
	if len(args) > 0 {
		return errors.New("fields takes no arguments")
	}
	t := fieldTable{kinds: map[string]string{}, types: map[string]map[string]string{}}
	for kind, object := range fieldKinds {
		form, err := t.form(reflect.TypeOf(object))
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		t.kinds[kind] = form
	}
	return t.print()
}

// form says how a type is written in JSON, and notes the structs it meets.
func (t *fieldTable) form(of reflect.Type) (string, error) {
	if form, ok := wireForms[of]; ok {
		return form, nil
	}
	switch of.Kind() {
	case reflect.Pointer:
		return t.form(of.Elem())
	case reflect.String:
		return "string", nil
	case reflect.Bool:
		return "boolean", nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "integer", nil
	case reflect.Float32, reflect.Float64:
		return "number", nil
	case reflect.Interface:
		return "any", nil
	case reflect.Slice:
		item, err := t.form(of.Elem())
		return "[" + item + "]", err
	case reflect.Map:
		if of.Key().Kind() != reflect.String {
			return "", fmt.Errorf("%v: a map whose keys are not strings", of)
		}
		value, err := t.form(of.Elem())
		return "{" + value + "}", err
	case reflect.Struct:
		return t.structForm(of)
	}
	return "", fmt.Errorf("%v: no JSON form is known for it", of)
}

func (t *fieldTable) structForm(of reflect.Type) (string, error) {
	// A type that writes itself is not described by its Go fields. Say so
	// rather than print something wrong when a new version brings one.
	if of.Implements(marshaler) || reflect.PointerTo(of).Implements(marshaler) {
		return "", fmt.Errorf("%v has its own MarshalJSON and is not in wireForms", of)
	}
	dir, last := path.Split(of.PkgPath()) // k8s.io/api/core/ and v1
	name := path.Base(dir) + "." + last + "." + of.Name()
	if t.types[name] != nil {
		return name, nil
	}
	fields := map[string]string{}
	t.types[name] = fields // before its fields: JSON schemas and the like refer to themselves
	return name, t.addFields(fields, of)
}

func (t *fieldTable) addFields(to map[string]string, of reflect.Type) error {
	for i := range of.NumField() {
		field := of.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-":
			continue
		case name == "" && field.Anonymous: // json:",inline"
			embedded := field.Type
			if embedded.Kind() == reflect.Pointer {
				embedded = embedded.Elem()
			}
			if err := t.addFields(to, embedded); err != nil {
				return err
			}
		case name == "":
			return fmt.Errorf("%v.%s has no JSON name", of, field.Name)
		case name == "status" && field.Type.Kind() == reflect.Struct:
			to[name] = "any" // nobody writes it into a manifest
		default:
			form, err := t.form(field.Type)
			if err != nil {
				return fmt.Errorf("%v.%s: %w", of, field.Name, err)
			}
			to[name] = form
		}
	}
	return nil
}

// print writes one kind or type per line, so that the difference between two
// versions is easy to read.
func (t *fieldTable) print() error {
	out := bufio.NewWriter(os.Stdout)
	fmt.Fprintf(out, "{\"kubernetes\":%q,\n\"kinds\":{\n", version.Get().GitVersion)
	if err := printLines(out, t.kinds); err != nil {
		return err
	}
	fmt.Fprint(out, "},\n\"types\":{\n")
	if err := printLines(out, t.types); err != nil {
		return err
	}
	fmt.Fprint(out, "}}\n")
	return out.Flush() // a bufio.Writer keeps the first error for this
}

func printLines[V any](out *bufio.Writer, entries map[string]V) error {
	for i, key := range slices.Sorted(maps.Keys(entries)) {
		value, err := json.Marshal(entries[key]) // sorts the keys of a map
		if err != nil {
			return err
		}
		if i > 0 {
			fmt.Fprint(out, ",\n")
		}
		fmt.Fprintf(out, "%q:%s", key, value)
	}
	fmt.Fprint(out, "\n")
	return nil
}
