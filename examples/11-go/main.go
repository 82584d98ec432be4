// The environment of examples/01-quickstart, in Go. Change its spec, and look at `pulumi preview`.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"example.com/pulumi-aws-proton/sdk/go/awsproton"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		environment, err := awsproton.NewEnvironment(ctx, "quickstart", &awsproton.EnvironmentArgs{
			TemplateName:         pulumi.String("quickstart"),
			TemplateMajorVersion: pulumi.String("1"),
			Spec: pulumi.Map{
				"team":                   pulumi.String("platform"),
				"stage":                  pulumi.String("development"),
				"message_retention_days": pulumi.Int(4),
			},
			Description: pulumi.String("My first environment"),
			// The role that Proton deploys with. The local AWS of the demo takes any.
			ProtonServiceRoleArn: pulumi.String("arn:aws:iam::123456789012:role/proton-service"),
		})
		if err != nil {
			return err
		}

		ctx.Export("arn", environment.Arn)
		ctx.Export("status", environment.DeploymentStatus)
		ctx.Export("version", pulumi.Sprintf("%s.%s", environment.TemplateMajorVersion, environment.TemplateMinorVersion))
		ctx.Export("outputs", environment.Outputs)
		return nil
	})
}
