package main

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/proton"
	"github.com/aws/aws-sdk-go-v2/service/proton/types"
)

func register(client *proton.Client, version, name string, majorVersion *string) (*string, *string) {
	step("register "+version, client.CreateEnvironmentTemplateVersion, &proton.CreateEnvironmentTemplateVersionInput{
		TemplateName: network, Source: bundle(name), Description: aws.String(name), MajorVersion: majorVersion,
	})
	major, minor, _ := strings.Cut(version, ".")
	waiter := proton.NewEnvironmentTemplateVersionRegisteredWaiter(client,
		func(options *proton.EnvironmentTemplateVersionRegisteredWaiterOptions) {
			options.MinDelay, options.MaxDelay = time.Second, time.Second
		})
	get := &proton.GetEnvironmentTemplateVersionInput{TemplateName: network, MajorVersion: &major, MinorVersion: &minor}
	waited("wait for "+version, "EnvironmentTemplateVersionRegistered", waiter.Wait(ctx, get, 2*time.Minute))
	return &major, &minor
}

func publish(client *proton.Client, version, name string, majorVersion *string) {
	major, minor := register(client, version, name, majorVersion)
	step("publish "+version, client.UpdateEnvironmentTemplateVersion, &proton.UpdateEnvironmentTemplateVersionInput{
		TemplateName: network, MajorVersion: major, MinorVersion: minor, Status: types.TemplateVersionStatusPublished,
	})
}

func templates(client *proton.Client) {
	step("create a template", client.CreateEnvironmentTemplate, &proton.CreateEnvironmentTemplateInput{
		Name: network, DisplayName: aws.String("Network"), Description: aws.String("Ours"),
		Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("platform")}},
	})
	step("create it again, with another description", client.CreateEnvironmentTemplate,
		&proton.CreateEnvironmentTemplateInput{Name: network})
	step("create one with an invalid name", client.CreateEnvironmentTemplate,
		&proton.CreateEnvironmentTemplateInput{Name: aws.String("no name")})
	step("get the template", client.GetEnvironmentTemplate, &proton.GetEnvironmentTemplateInput{Name: network})
	step("get a template that does not exist", client.GetEnvironmentTemplate,
		&proton.GetEnvironmentTemplateInput{Name: missing})
	step("update the template", client.UpdateEnvironmentTemplate,
		&proton.UpdateEnvironmentTemplateInput{Name: network, DisplayName: aws.String("Networks")})
	publish(client, "1.0", "first", nil)
	step("get the version", client.GetEnvironmentTemplateVersion, &proton.GetEnvironmentTemplateVersionInput{
		TemplateName: network, MajorVersion: aws.String("1"), MinorVersion: aws.String("0"),
	})
	publish(client, "1.1", "second", aws.String("1"))
	publish(client, "2.0", "third", nil)
	major, minor := register(client, "3.0", "broken", nil)
	step("delete the version that is broken", client.DeleteEnvironmentTemplateVersion,
		&proton.DeleteEnvironmentTemplateVersionInput{TemplateName: network, MajorVersion: major, MinorVersion: minor})
	pages("list the major versions", proton.NewListEnvironmentTemplateVersionsPaginator(client,
		&proton.ListEnvironmentTemplateVersionsInput{TemplateName: network, MaxResults: one}))
	pages("list the minor versions", proton.NewListEnvironmentTemplateVersionsPaginator(client,
		&proton.ListEnvironmentTemplateVersionsInput{
			TemplateName: network, MajorVersion: aws.String("1"), MaxResults: one,
		}))
	pages("list the templates", proton.NewListEnvironmentTemplatesPaginator(client,
		&proton.ListEnvironmentTemplatesInput{MaxResults: one}))
	step("delete a template that has versions", client.DeleteEnvironmentTemplate,
		&proton.DeleteEnvironmentTemplateInput{Name: network})
	empty := aws.String("empty")
	step("create a template without versions", client.CreateEnvironmentTemplate,
		&proton.CreateEnvironmentTemplateInput{Name: empty})
	step("delete it", client.DeleteEnvironmentTemplate, &proton.DeleteEnvironmentTemplateInput{Name: empty})
}
