// Walks through Proton with AWS's SDK for Go: `walk WALK` prints a line of JSON for each step of a walk.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/proton"
	"github.com/aws/aws-sdk-go-v2/service/proton/types"
	"github.com/aws/smithy-go"
)

var (
	ctx          = context.Background()
	account      = os.Getenv("WALK_ACCOUNT")
	otherAccount = os.Getenv("WALK_OTHER_ACCOUNT")
	role         = aws.String("arn:aws:iam::" + account + ":role/proton")
	otherRole    = "arn:aws:iam::" + otherAccount + ":role/proton"
	network      = aws.String("network")
	production   = aws.String("production")
	missing      = aws.String("missing")
	one          = aws.Int32(1)
)

func spec(title string) *string {
	return aws.String("proton: EnvironmentSpec\nspec: {title: " + title + "}\n")
}

func bundle(name string) types.TemplateVersionSourceInput {
	object := types.S3ObjectSource{Bucket: aws.String(os.Getenv("WALK_BUCKET")), Key: aws.String(name + ".tar.gz")}
	return &types.TemplateVersionSourceInputMemberS3{Value: object}
}

func stop(err error) {
	if err != nil {
		panic(err)
	}
}

func show(line map[string]any) {
	text, err := json.Marshal(line)
	stop(err)
	fmt.Println(string(text))
}

func lowered(name string) string {
	return strings.ToLower(name[:1]) + name[1:]
}

// members are those of a struct of the SDK as the API names them, without those that are not set.
func members(value reflect.Value) any {
	switch value.Kind() {
	case reflect.Pointer, reflect.Interface:
		return members(value.Elem())
	case reflect.Slice:
		items := []any{}
		for i := range value.Len() {
			items = append(items, members(value.Index(i)))
		}
		return items
	case reflect.Struct:
		if moment, ok := value.Interface().(time.Time); ok {
			return moment
		}
		if _, member, ok := strings.Cut(value.Type().Name(), "Member"); ok { // of a union
			return map[string]any{lowered(member): members(value.FieldByName("Value"))}
		}
		found := map[string]any{}
		for i := range value.NumField() {
			field := value.Type().Field(i)
			if field.IsExported() && field.Name != "ResultMetadata" && !value.Field(i).IsZero() {
				found[lowered(field.Name)] = members(value.Field(i))
			}
		}
		return found
	default:
		return value.Interface()
	}
}

// attempt shows what a call answered. The operation is the one that the output is named after.
func attempt[Output any](step string, answer *Output, err error) *Output {
	operation := strings.TrimSuffix(reflect.TypeFor[Output]().Name(), "Output")
	line := map[string]any{"step": step, "operation": operation, "outcome": "OK", "answer": map[string]any{}}
	var refusal smithy.APIError
	if errors.As(err, &refusal) {
		line["outcome"] = reflect.TypeOf(refusal).Elem().Name()
		line["message"] = refusal.ErrorMessage()
	} else {
		stop(err)
		line["answer"] = members(reflect.ValueOf(answer))
	}
	show(line)
	return answer
}

func step[Input, Output any](
	title string, call func(context.Context, *Input, ...func(*proton.Options)) (*Output, error), input *Input,
) *Output {
	answer, err := call(ctx, input)
	return attempt(title, answer, err)
}

type paginator[Output any] interface {
	HasMorePages() bool
	NextPage(context.Context, ...func(*proton.Options)) (*Output, error)
}

// pages shows the items of all pages as if they were one.
func pages[Output any](title string, pages paginator[Output]) {
	var whole *Output
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		stop(err)
		if whole == nil {
			whole = page
			continue
		}
		for i := range reflect.TypeFor[Output]().NumField() {
			if items := reflect.ValueOf(whole).Elem().Field(i); items.Kind() == reflect.Slice {
				items.Set(reflect.AppendSlice(items, reflect.ValueOf(page).Elem().Field(i)))
			}
		}
	}
	reflect.ValueOf(whole).Elem().FieldByName("NextToken").SetZero()
	attempt(title, whole, nil)
}

func waited(step string, waiter string, err error) {
	outcome := "OK"
	if err != nil {
		outcome = err.Error()
	}
	if strings.HasPrefix(outcome, "waiter state transitioned to Failure") {
		outcome = "Failure"
	}
	show(map[string]any{"step": step, "waiter": waiter, "outcome": outcome})
}

func deployed(title string, client *proton.Client, name *string) {
	waiter := proton.NewEnvironmentDeployedWaiter(client, func(options *proton.EnvironmentDeployedWaiterOptions) {
		options.MinDelay, options.MaxDelay = time.Second, time.Second
	})
	waited(title, "EnvironmentDeployed", waiter.Wait(ctx, &proton.GetEnvironmentInput{Name: name}, 2*time.Minute))
}

// lookUntilItIsNot takes the place of the waiters that Proton does not have.
func lookUntilItIsNot(title string, client *proton.Client, name *string, status types.DeploymentStatus) {
	get := &proton.GetEnvironmentInput{Name: name}
	for {
		found, err := client.GetEnvironment(ctx, get)
		var gone *types.ResourceNotFoundException
		if errors.As(err, &gone) || (err == nil && found.Environment.DeploymentStatus != status) {
			break
		}
		stop(err)
		time.Sleep(500 * time.Millisecond)
	}
	step(title, client.GetEnvironment, get)
}

func main() {
	map[string]func(){"walk": walk, "handshake": handshake, "twice": twice}[os.Args[1]]()
}

func twice() {
	settings, err := config.LoadDefaultConfig(ctx)
	stop(err)
	client := proton.NewFromConfig(settings)
	step("list the environments", client.ListEnvironments, &proton.ListEnvironmentsInput{})
	step("list them again", client.ListEnvironments, &proton.ListEnvironmentsInput{})
}

func walk() {
	settings, err := config.LoadDefaultConfig(ctx)
	stop(err)
	client := proton.NewFromConfig(settings)
	templates(client)
	environments(client)
	builds(client)
	accountSettings(client)
}
