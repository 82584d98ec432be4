// The environment of examples/01-quickstart, in TypeScript. Change its spec, and look at `pulumi preview`.

import * as pulumi from "@pulumi/pulumi";
import * as proton from "pulumi-aws-proton";

const environment = new proton.Environment("quickstart", {
    templateName: "quickstart",
    templateMajorVersion: "1",
    spec: { team: "platform", stage: "development", message_retention_days: 4 },
    description: "My first environment",
    // The role that Proton deploys with. The local AWS of the demo takes any.
    protonServiceRoleArn: "arn:aws:iam::123456789012:role/proton-service",
});

export const arn = environment.arn;
export const status = environment.deploymentStatus;
export const version = pulumi.interpolate`${environment.templateMajorVersion}.${environment.templateMinorVersion}`;
export const outputs = environment.outputs;
