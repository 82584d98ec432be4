package main

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/proton"
	"github.com/aws/aws-sdk-go-v2/service/proton/types"
)

func accountSettings(client *proton.Client) {
	get := &proton.GetAccountSettingsInput{}
	step("get the settings of an account that has none", client.GetAccountSettings, get)
	step("set a role", client.UpdateAccountSettings,
		&proton.UpdateAccountSettingsInput{PipelineCodebuildRoleArn: role})
	step("get the settings", client.GetAccountSettings, get)
	link := aws.String("arn:aws:codestar-connections:us-east-1:" + account + ":connection/1")
	github := types.RepositoryProviderGithub
	for _, name := range []string{"acme/one", "acme/two"} {
		step("link "+name, client.CreateRepository,
			&proton.CreateRepositoryInput{Provider: github, Name: &name, ConnectionArn: link})
	}
	step("get a repository", client.GetRepository,
		&proton.GetRepositoryInput{Provider: github, Name: aws.String("acme/one")})
	pages("list the repositories", proton.NewListRepositoriesPaginator(client,
		&proton.ListRepositoriesInput{MaxResults: one}))
	step("delete a repository", client.DeleteRepository,
		&proton.DeleteRepositoryInput{Provider: github, Name: aws.String("acme/two")})
}

func profile(name string) *proton.Client {
	settings, err := config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(name))
	stop(err)
	return proton.NewFromConfig(settings)
}

func handshake() {
	management, environment := profile("management"), profile("environment")
	far := aws.String("far")
	ask := func(title string) *string {
		asked := step(title, environment.CreateEnvironmentAccountConnection,
			&proton.CreateEnvironmentAccountConnectionInput{
				ManagementAccountId: &account, EnvironmentName: far, RoleArn: &otherRole,
			})
		return asked.EnvironmentAccountConnection.Id
	}
	id := ask("ask for a connection")
	pages("list what was asked for", proton.NewListEnvironmentAccountConnectionsPaginator(environment,
		&proton.ListEnvironmentAccountConnectionsInput{
			RequestedBy:     types.EnvironmentAccountConnectionRequesterAccountTypeEnvironmentAccount,
			EnvironmentName: far, MaxResults: one,
		}))
	pending := []types.EnvironmentAccountConnectionStatus{types.EnvironmentAccountConnectionStatusPending}
	pages("list what is to be accepted", proton.NewListEnvironmentAccountConnectionsPaginator(management,
		&proton.ListEnvironmentAccountConnectionsInput{
			RequestedBy: types.EnvironmentAccountConnectionRequesterAccountTypeManagementAccount,
			Statuses:    pending, MaxResults: one,
		}))
	accept := &proton.AcceptEnvironmentAccountConnectionInput{Id: id}
	step("accept it where it was asked for", environment.AcceptEnvironmentAccountConnection, accept)
	step("accept it", management.AcceptEnvironmentAccountConnection, accept)
	step("get the connection", environment.GetEnvironmentAccountConnection,
		&proton.GetEnvironmentAccountConnectionInput{Id: id})
	step("change its role", environment.UpdateEnvironmentAccountConnection,
		&proton.UpdateEnvironmentAccountConnectionInput{Id: id, RoleArn: aws.String(otherRole + "-2")})
	step("create an environment through it", management.CreateEnvironment, &proton.CreateEnvironmentInput{
		Name: far, TemplateName: aws.String("shared"), TemplateMajorVersion: aws.String("1"), Spec: spec("far"),
		EnvironmentAccountConnectionId: id,
	})
	deployed("wait for it", management, far)
	step("reject what is in use", management.RejectEnvironmentAccountConnection,
		&proton.RejectEnvironmentAccountConnectionInput{Id: id})
	step("delete far", management.DeleteEnvironment, &proton.DeleteEnvironmentInput{Name: far})
	lookUntilItIsNot("get far when it is deleted", management, far, types.DeploymentStatusDeleteInProgress)
	step("delete the connection", environment.DeleteEnvironmentAccountConnection,
		&proton.DeleteEnvironmentAccountConnectionInput{Id: id})
	other := ask("ask for another")
	step("reject it", management.RejectEnvironmentAccountConnection,
		&proton.RejectEnvironmentAccountConnectionInput{Id: other})
	step("get what another account has", environment.GetEnvironment, &proton.GetEnvironmentInput{Name: far})
}
