// Sdk-generator writes the TypeScript and the Go SDK of a Pulumi package from its schema: what `pulumi package
// gen-sdk` does, with its code generators, but without the language hosts that it asks.
//
//	sdk-generator SCHEMA VERSION FOLDER
//
// writes FOLDER/nodejs and FOLDER/go.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	gosdk "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

const tool = "sdk-generator" // the generated files name it in their first line

var languages = map[string]func(*schema.Package) (map[string][]byte, error){
	"nodejs": func(bound *schema.Package) (map[string][]byte, error) {
		return nodejs.GeneratePackage(tool, bound, nil, nil, false, nil)
	},
	"go": func(bound *schema.Package) (map[string][]byte, error) {
		files, err := gosdk.GeneratePackage(tool, bound, nil)
		// The module's go.mod is kept by hand, with its go.sum: the generated one lacks a dependency.
		delete(files, "go.mod")
		return files, err
	},
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: sdk-generator SCHEMA VERSION FOLDER")
		os.Exit(2)
	}
	if err := generate(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func generate(schemaFile, version, folder string) error {
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		return err
	}
	for language, filesOf := range languages {
		// Bound afresh for each language: generating changes the package.
		bound, err := bind(text, version)
		if err != nil {
			return fmt.Errorf("%s: %w", schemaFile, err)
		}
		files, err := filesOf(bound)
		if err != nil {
			return fmt.Errorf("%s: the SDK of %s: %w", schemaFile, language, err)
		}
		if err := write(filepath.Join(folder, language), files); err != nil {
			return err
		}
	}
	return nil
}

func bind(text []byte, version string) (*schema.Package, error) {
	var spec schema.PackageSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		return nil, err
	}
	spec.Version = version
	// As `pulumi package add` binds it, so that its SDKs and ours have one layout.
	spec.Meta = &schema.MetadataSpec{SupportPack: true}
	// The schema refers to no other package, and so needs a loader that knows none; a nil one panics.
	bound, problems, err := schema.BindSpec(spec, schema.NewNullLoader(), schema.ValidationOptions{})
	if err != nil {
		return nil, err
	}
	if problems.HasErrors() {
		return nil, errors.Join(problems.Errs()...)
	}
	return bound, nil
}

func write(folder string, files map[string][]byte) error {
	for name, text := range files {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
