package main

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/proton"
	"github.com/aws/aws-sdk-go-v2/service/proton/types"
)

func environments(client *proton.Client) {
	create := func(title, value string) *proton.CreateEnvironmentOutput {
		return step(title, client.CreateEnvironment, &proton.CreateEnvironmentInput{
			Name: production, TemplateName: network, TemplateMajorVersion: aws.String("1"),
			TemplateMinorVersion: aws.String("0"), ProtonServiceRoleArn: role, Spec: spec(value),
		})
	}
	arn := create("create an environment", "one").Environment.Arn
	create("create it again, with another spec", "two")
	deployed("wait for its creation", client, production)
	step("get the environment", client.GetEnvironment, &proton.GetEnvironmentInput{Name: production})
	step("get an environment that does not exist", client.GetEnvironment, &proton.GetEnvironmentInput{Name: missing})

	update := func(title string, kind types.DeploymentUpdateType, input proton.UpdateEnvironmentInput) {
		input.Name, input.DeploymentType = production, kind
		step(title, client.UpdateEnvironment, &input)
	}
	deploy := func(kind types.DeploymentUpdateType, input proton.UpdateEnvironmentInput) {
		update("update with "+string(kind), kind, input)
		deployed("wait for "+string(kind), client, production)
	}
	current := types.DeploymentUpdateTypeCurrentVersion
	update("update with NONE", types.DeploymentUpdateTypeNone,
		proton.UpdateEnvironmentInput{Description: aws.String("Ours")})
	deploy(current, proton.UpdateEnvironmentInput{Spec: spec("two")})
	deploy(types.DeploymentUpdateTypeMinorVersion, proton.UpdateEnvironmentInput{})
	deploy(types.DeploymentUpdateTypeMajorVersion, proton.UpdateEnvironmentInput{
		TemplateMajorVersion: aws.String("2"), TemplateMinorVersion: aws.String("0"),
	})
	update("update with a spec that the schema refuses", current, proton.UpdateEnvironmentInput{Spec: spec("[]")})
	pages("list the outputs", proton.NewListEnvironmentOutputsPaginator(client,
		&proton.ListEnvironmentOutputsInput{EnvironmentName: production}))
	pages("list the resources", proton.NewListEnvironmentProvisionedResourcesPaginator(client,
		&proton.ListEnvironmentProvisionedResourcesInput{EnvironmentName: production}))

	cancel := &proton.CancelEnvironmentDeploymentInput{EnvironmentName: production}
	update("begin another update", current, proton.UpdateEnvironmentInput{Spec: spec("three")})
	step("cancel it", client.CancelEnvironmentDeployment, cancel)
	lookUntilItIsNot("get the environment after the cancellation", client, production,
		types.DeploymentStatusCancelling)
	step("cancel what is not in progress", client.CancelEnvironmentDeployment, cancel)

	pages("list the deployments", proton.NewListDeploymentsPaginator(client,
		&proton.ListDeploymentsInput{EnvironmentName: production, MaxResults: one}))
	found, err := client.GetEnvironment(ctx, &proton.GetEnvironmentInput{Name: production})
	stop(err)
	last := found.Environment.LastAttemptedDeploymentId
	step("get a deployment", client.GetDeployment, &proton.GetDeploymentInput{Id: last})
	step("delete a deployment", client.DeleteDeployment, &proton.DeleteDeploymentInput{Id: last})

	var tags []types.Tag
	for _, key := range []string{"a", "b", "c"} {
		tags = append(tags, types.Tag{Key: aws.String(key), Value: aws.String("yes")})
	}
	step("tag the environment", client.TagResource, &proton.TagResourceInput{ResourceArn: arn, Tags: tags})
	step("untag it", client.UntagResource, &proton.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"b"}})
	pages("list the tags", proton.NewListTagsForResourcePaginator(client,
		&proton.ListTagsForResourceInput{ResourceArn: arn, MaxResults: one}))
}

func builds(client *proton.Client) {
	name := aws.String("builds")
	step("create an environment with CodeBuild", client.CreateEnvironment, &proton.CreateEnvironmentInput{
		Name: name, TemplateName: name, TemplateMajorVersion: aws.String("1"), Spec: spec("one"), CodebuildRoleArn: role,
	})
	deployed("wait for its build", client, name)
	step("notify of outputs", client.NotifyResourceDeploymentStatusChange,
		&proton.NotifyResourceDeploymentStatusChangeInput{
			ResourceArn: aws.String("arn:aws:proton:us-east-1:" + account + ":environment/builds"),
			Outputs:     []types.Output{{Key: aws.String("Address"), ValueString: aws.String("10.0.0.1")}},
		})
	pages("list what was notified", proton.NewListEnvironmentOutputsPaginator(client,
		&proton.ListEnvironmentOutputsInput{EnvironmentName: name}))
	pages("list the environments", proton.NewListEnvironmentsPaginator(client,
		&proton.ListEnvironmentsInput{MaxResults: one}))
	of := []types.EnvironmentTemplateFilter{{TemplateName: network, MajorVersion: aws.String("2")}}
	pages("list those of a template", proton.NewListEnvironmentsPaginator(client,
		&proton.ListEnvironmentsInput{EnvironmentTemplates: of, MaxResults: one}))
	for _, name := range []*string{production, name} {
		step("delete "+*name, client.DeleteEnvironment, &proton.DeleteEnvironmentInput{Name: name})
		lookUntilItIsNot("get "+*name+" when it is deleted", client, name, types.DeploymentStatusDeleteInProgress)
	}
}
