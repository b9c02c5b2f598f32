// Command pod-security reads Kubernetes objects, a JSON document each, and prints a line for every pod in them that the Pod
// Security Standard "restricted" would not admit.
//
// The rules are Kubernetes' own: the library that the API server's admission is made of, in the version of go.mod.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// object is a Pod, or anything that makes pods from a template.
type object struct {
	Kind     string            `json:"kind"`
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     json.RawMessage   `json:"spec"`
}

// template is where workloads keep their pods; a CronJob one level deeper.
type template struct {
	Template    *corev1.PodTemplateSpec `json:"template"`
	JobTemplate *struct {
		Spec template `json:"spec"`
	} `json:"jobTemplate"`
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func run(in io.Reader, out io.Writer) error {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks())
	if err != nil {
		return err
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	pods := 0
	for documents := json.NewDecoder(in); ; {
		var it object
		if err := documents.Decode(&it); errors.Is(err, io.EOF) {
			fmt.Fprintf(out, "%d pods\n", pods)
			return nil
		} else if err != nil {
			return err
		}
		meta, spec, err := pod(it)
		if err != nil {
			return fmt.Errorf("%s %s: %w", it.Kind, it.Metadata.Name, err)
		}
		if spec == nil {
			continue
		}
		pods++
		result := policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, meta, spec))
		if !result.Allowed {
			fmt.Fprintf(out, "%s %s: %s\n", it.Kind, it.Metadata.Name, result.ForbiddenDetail())
		}
	}
}

// pod finds the pod in an object; nil where there is none.
func pod(it object) (*metav1.ObjectMeta, *corev1.PodSpec, error) {
	if it.Kind == "Pod" {
		spec := &corev1.PodSpec{}
		return &it.Metadata, spec, json.Unmarshal(it.Spec, spec)
	}
	switch it.Kind {
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob":
	default:
		return nil, nil, nil
	}
	var found template
	if err := json.Unmarshal(it.Spec, &found); err != nil {
		return nil, nil, err
	}
	if found.JobTemplate != nil {
		found = found.JobTemplate.Spec
	}
	if found.Template == nil {
		return nil, nil, errors.New("has no template")
	}
	return &found.Template.ObjectMeta, &found.Template.Spec, nil
}
