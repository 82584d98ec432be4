// Walks through Proton with AWS's SDK for JavaScript: `walk.mjs WALK` prints a line of JSON for each step of a walk.

import * as sdk from "@aws-sdk/client-proton";
import { setTimeout } from "node:timers/promises";

const account = process.env.WALK_ACCOUNT;
const otherAccount = process.env.WALK_OTHER_ACCOUNT;
const role = `arn:aws:iam::${account}:role/proton`;
const otherRole = `arn:aws:iam::${otherAccount}:role/proton`;

const spec = (title) => `proton: EnvironmentSpec\nspec: {title: ${title}}\n`;
const bundle = (name) => ({ s3: { bucket: process.env.WALK_BUCKET, key: `${name}.tar.gz` } });
const show = (line) => console.log(JSON.stringify(line));

/** Shows what a call answers, and returns it. */
async function attempt(step, command, call) {
  let answer = {};
  let outcome = { outcome: "OK" };
  try {
    const { $metadata, ...members } = await call();
    answer = members;
  } catch (error) {
    if (!(error instanceof sdk.ProtonServiceException)) throw error;
    outcome = { outcome: error.constructor.name, message: error.message };
  }
  show({ step, operation: command.name.replace(/Command$/, ""), answer, ...outcome });
  return answer;
}

/** The steps of one client. */
function walker(client) {
  const step = (name, command, members) =>
    attempt(name, command, () => client.send(new command(members)));
  const pages = (name, command, paginate, list, members = {}) =>
    attempt(name, command, async () => {
      const items = [];
      for await (const page of paginate({ client, pageSize: 1 }, members)) items.push(...page[list]);
      return { [list]: items };
    });
  const wait = async (step, waiter, waitUntil, members) => {
    let outcome = "OK";
    try {
      await waitUntil({ client, minDelay: 1, maxDelay: 1, maxWaitTime: 120 }, members);
    } catch (error) {
      outcome = JSON.parse(error.message).state === "FAILURE" ? "Failure" : error.message;
    }
    show({ step, waiter, outcome });
  };
  const deployed = (name, environment) =>
    wait(name, "EnvironmentDeployed", sdk.waitUntilEnvironmentDeployed, { name: environment });
  /** Proton has no waiter for these. */
  const lookUntilItIsNot = async (name, environment, status) => {
    const get = new sdk.GetEnvironmentCommand({ name: environment });
    try {
      while ((await client.send(get)).environment.deploymentStatus === status) await setTimeout(500);
    } catch (error) {
      if (!(error instanceof sdk.ResourceNotFoundException)) throw error;
    }
    await step(name, sdk.GetEnvironmentCommand, { name: environment });
  };
  return { client, step, pages, wait, deployed, lookUntilItIsNot };
}

async function register({ step, wait }, version, name, majorVersion) {
  await step(`register ${version}`, sdk.CreateEnvironmentTemplateVersionCommand, {
    templateName: "network", source: bundle(name), description: name, majorVersion,
  });
  const [major, minor] = version.split(".");
  const key = { templateName: "network", majorVersion: major, minorVersion: minor };
  const waitUntil = sdk.waitUntilEnvironmentTemplateVersionRegistered;
  await wait(`wait for ${version}`, "EnvironmentTemplateVersionRegistered", waitUntil, key);
  return key;
}

async function publish(walk, version, name, majorVersion) {
  const key = await register(walk, version, name, majorVersion);
  const published = { ...key, status: "PUBLISHED" };
  await walk.step(`publish ${version}`, sdk.UpdateEnvironmentTemplateVersionCommand, published);
  return key;
}

async function templates(walk) {
  const { step, pages } = walk;
  const name = "network";
  await step("create a template", sdk.CreateEnvironmentTemplateCommand, {
    name, displayName: "Network", description: "Ours", tags: [{ key: "team", value: "platform" }],
  });
  await step("create it again, with another description", sdk.CreateEnvironmentTemplateCommand, { name });
  await step("create one with an invalid name", sdk.CreateEnvironmentTemplateCommand, { name: "no name" });
  await step("get the template", sdk.GetEnvironmentTemplateCommand, { name });
  await step("get a template that does not exist", sdk.GetEnvironmentTemplateCommand, { name: "missing" });
  await step("update the template", sdk.UpdateEnvironmentTemplateCommand, { name, displayName: "Networks" });
  const first = await publish(walk, "1.0", "first");
  await step("get the version", sdk.GetEnvironmentTemplateVersionCommand, first);
  await publish(walk, "1.1", "second", "1");
  await publish(walk, "2.0", "third");
  const broken = await register(walk, "3.0", "broken");
  await step("delete the version that is broken", sdk.DeleteEnvironmentTemplateVersionCommand, broken);
  const versions = [sdk.ListEnvironmentTemplateVersionsCommand,
    sdk.paginateListEnvironmentTemplateVersions, "templateVersions"];
  await pages("list the major versions", ...versions, { templateName: name });
  await pages("list the minor versions", ...versions, { templateName: name, majorVersion: "1" });
  await pages("list the templates", sdk.ListEnvironmentTemplatesCommand,
    sdk.paginateListEnvironmentTemplates, "templates");
  await step("delete a template that has versions", sdk.DeleteEnvironmentTemplateCommand, { name });
  await step("create a template without versions", sdk.CreateEnvironmentTemplateCommand, { name: "empty" });
  await step("delete it", sdk.DeleteEnvironmentTemplateCommand, { name: "empty" });
}

async function environments({ client, step, pages, deployed, lookUntilItIsNot }) {
  const name = "production";
  const of = { environmentName: name };
  const own = {
    name, templateName: "network", templateMajorVersion: "1", templateMinorVersion: "0", protonServiceRoleArn: role,
  };
  const made = await step("create an environment", sdk.CreateEnvironmentCommand, { ...own, spec: spec("one") });
  const resourceArn = made.environment.arn;
  await step("create it again, with another spec", sdk.CreateEnvironmentCommand, { ...own, spec: spec("two") });
  await deployed("wait for its creation", name);
  await step("get the environment", sdk.GetEnvironmentCommand, { name });
  await step("get an environment that does not exist", sdk.GetEnvironmentCommand, { name: "missing" });

  const update = (title, deploymentType, members) =>
    step(title, sdk.UpdateEnvironmentCommand, { name, deploymentType, ...members });
  const deploy = async (kind, members) => {
    await update(`update with ${kind}`, kind, members);
    await deployed(`wait for ${kind}`, name);
  };
  await update("update with NONE", sdk.DeploymentUpdateType.NONE, { description: "Ours" });
  await deploy(sdk.DeploymentUpdateType.CURRENT_VERSION, { spec: spec("two") });
  await deploy(sdk.DeploymentUpdateType.MINOR_VERSION);
  await deploy(sdk.DeploymentUpdateType.MAJOR_VERSION, { templateMajorVersion: "2", templateMinorVersion: "0" });
  await update("update with a spec that the schema refuses", "CURRENT_VERSION", { spec: spec("[]") });
  await pages("list the outputs", sdk.ListEnvironmentOutputsCommand,
    sdk.paginateListEnvironmentOutputs, "outputs", of);
  await pages("list the resources", sdk.ListEnvironmentProvisionedResourcesCommand,
    sdk.paginateListEnvironmentProvisionedResources, "provisionedResources", of);

  await update("begin another update", "CURRENT_VERSION", { spec: spec("three") });
  await step("cancel it", sdk.CancelEnvironmentDeploymentCommand, of);
  await lookUntilItIsNot("get the environment after the cancellation", name, "CANCELLING");
  await step("cancel what is not in progress", sdk.CancelEnvironmentDeploymentCommand, of);

  await pages("list the deployments", sdk.ListDeploymentsCommand, sdk.paginateListDeployments, "deployments", of);
  const id = (await client.send(new sdk.GetEnvironmentCommand({ name }))).environment.lastAttemptedDeploymentId;
  await step("get a deployment", sdk.GetDeploymentCommand, { id });
  await step("delete a deployment", sdk.DeleteDeploymentCommand, { id });

  const tags = ["a", "b", "c"].map((key) => ({ key, value: "yes" }));
  await step("tag the environment", sdk.TagResourceCommand, { resourceArn, tags });
  await step("untag it", sdk.UntagResourceCommand, { resourceArn, tagKeys: ["b"] });
  await pages("list the tags", sdk.ListTagsForResourceCommand,
    sdk.paginateListTagsForResource, "tags", { resourceArn });
}

async function builds({ step, pages, deployed, lookUntilItIsNot }) {
  await step("create an environment with CodeBuild", sdk.CreateEnvironmentCommand, {
    name: "builds", templateName: "builds", templateMajorVersion: "1", spec: spec("one"), codebuildRoleArn: role,
  });
  await deployed("wait for its build", "builds");
  await step("notify of outputs", sdk.NotifyResourceDeploymentStatusChangeCommand, {
    resourceArn: `arn:aws:proton:us-east-1:${account}:environment/builds`,
    outputs: [{ key: "Address", valueString: "10.0.0.1" }],
  });
  await pages("list what was notified", sdk.ListEnvironmentOutputsCommand,
    sdk.paginateListEnvironmentOutputs, "outputs", { environmentName: "builds" });
  const list = [sdk.ListEnvironmentsCommand, sdk.paginateListEnvironments, "environments"];
  await pages("list the environments", ...list);
  const environmentTemplates = [{ templateName: "network", majorVersion: "2" }];
  await pages("list those of a template", ...list, { environmentTemplates });
  for (const name of ["production", "builds"]) {
    await step(`delete ${name}`, sdk.DeleteEnvironmentCommand, { name });
    await lookUntilItIsNot(`get ${name} when it is deleted`, name, "DELETE_IN_PROGRESS");
  }
}

async function settings({ step, pages }) {
  await step("get the settings of an account that has none", sdk.GetAccountSettingsCommand, {});
  await step("set a role", sdk.UpdateAccountSettingsCommand, { pipelineCodebuildRoleArn: role });
  await step("get the settings", sdk.GetAccountSettingsCommand, {});
  const provider = sdk.RepositoryProvider.GITHUB;
  const connectionArn = `arn:aws:codestar-connections:us-east-1:${account}:connection/1`;
  for (const name of ["acme/one", "acme/two"]) {
    await step(`link ${name}`, sdk.CreateRepositoryCommand, { provider, name, connectionArn });
  }
  await step("get a repository", sdk.GetRepositoryCommand, { provider, name: "acme/one" });
  await pages("list the repositories", sdk.ListRepositoriesCommand, sdk.paginateListRepositories, "repositories");
  await step("delete a repository", sdk.DeleteRepositoryCommand, { provider, name: "acme/two" });
}

async function handshake() {
  const [management, environment] = ["management", "environment"].map((profile) =>
    walker(new sdk.ProtonClient({ profile })));
  const ask = { managementAccountId: account, environmentName: "far", roleArn: otherRole };
  const asked = await environment.step("ask for a connection", sdk.CreateEnvironmentAccountConnectionCommand, ask);
  const { id } = asked.environmentAccountConnection;
  const list = [sdk.ListEnvironmentAccountConnectionsCommand,
    sdk.paginateListEnvironmentAccountConnections, "environmentAccountConnections"];
  const mine = { requestedBy: "ENVIRONMENT_ACCOUNT", environmentName: "far" };
  await environment.pages("list what was asked for", ...list, mine);
  const theirs = { requestedBy: "MANAGEMENT_ACCOUNT", statuses: ["PENDING"] };
  await management.pages("list what is to be accepted", ...list, theirs);
  const accept = sdk.AcceptEnvironmentAccountConnectionCommand;
  await environment.step("accept it where it was asked for", accept, { id });
  await management.step("accept it", accept, { id });
  await environment.step("get the connection", sdk.GetEnvironmentAccountConnectionCommand, { id });
  const changed = { id, roleArn: `${otherRole}-2` };
  await environment.step("change its role", sdk.UpdateEnvironmentAccountConnectionCommand, changed);
  await management.step("create an environment through it", sdk.CreateEnvironmentCommand, {
    name: "far", templateName: "shared", templateMajorVersion: "1", spec: spec("far"),
    environmentAccountConnectionId: id,
  });
  await management.deployed("wait for it", "far");
  await management.step("reject what is in use", sdk.RejectEnvironmentAccountConnectionCommand, { id });
  await management.step("delete far", sdk.DeleteEnvironmentCommand, { name: "far" });
  await management.lookUntilItIsNot("get far when it is deleted", "far", "DELETE_IN_PROGRESS");
  await environment.step("delete the connection", sdk.DeleteEnvironmentAccountConnectionCommand, { id });
  const again = await environment.step("ask for another", sdk.CreateEnvironmentAccountConnectionCommand, ask);
  const other = again.environmentAccountConnection.id;
  await management.step("reject it", sdk.RejectEnvironmentAccountConnectionCommand, { id: other });
  await environment.step("get what another account has", sdk.GetEnvironmentCommand, { name: "far" });
}

async function twice() {
  const { step } = walker(new sdk.ProtonClient());
  await step("list the environments", sdk.ListEnvironmentsCommand, {});
  await step("list them again", sdk.ListEnvironmentsCommand, {});
}

async function walk() {
  const walk = walker(new sdk.ProtonClient());
  for (const part of [templates, environments, builds, settings]) await part(walk);
}

await { walk, handshake, twice }[process.argv[2]]();
