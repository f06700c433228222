package main

import (
	"encoding/json"
	"fmt"

	cilium "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/client/crds/v2alpha1"
	"go.universe.tf/metallb/largescale"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"sigs.k8s.io/yaml"
)

// A crd is a published CustomResourceDefinition, which the API server would hold our objects against.
type crd struct {
	definition apiextensionsv1.CustomResourceDefinition
}

func ciliumSchema() crd {
	text, err := cilium.EmbedFS.ReadFile("ciliuml2announcementpolicies.yaml")
	if err != nil {
		panic(err)
	}
	return read(text)
}

func metallbSchema(kind string) crd { return read(largescale.CRD(kind)) }

func read(text []byte) crd {
	var found crd
	if err := yaml.Unmarshal(text, &found.definition); err != nil {
		panic(err)
	}
	return found
}

// validate finds what the API server would refuse or drop.
func (c crd) validate(text []byte) error {
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		return err
	}
	for _, version := range c.definition.Spec.Versions {
		if fmt.Sprint(object["apiVersion"]) != c.definition.Spec.Group+"/"+version.Name {
			continue
		}
		var internal apiextensions.JSONSchemaProps
		err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(
			version.Schema.OpenAPIV3Schema, &internal, nil)
		if err != nil {
			return err
		}
		validator, _, err := validation.NewSchemaValidator(&internal)
		if err != nil {
			return err
		}
		if problems := validation.ValidateCustomResource(nil, object, validator); len(problems) > 0 {
			return problems.ToAggregate()
		}
		structural, err := schema.NewStructural(&internal)
		if err != nil {
			return err
		}
		options := schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
		if dropped := pruning.PruneWithOptions(object, structural, true, options); len(dropped) > 0 {
			return fmt.Errorf("unknown fields: %v", dropped)
		}
		return nil
	}
	return fmt.Errorf("%v is no version of %s", object["apiVersion"], c.definition.Name)
}
