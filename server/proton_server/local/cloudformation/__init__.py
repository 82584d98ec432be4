"""A CloudFormation that deploys any template, on moto's models of the services.

moto's own CloudFormation deploys one of AWS's six sample environments. This package keeps moto's models (a
VPC made here is moto's VPC) and moto's wire, and puts its own engine between them. Read in this order:

    errors.py            what can go wrong, as a tree
    template.py          text -> checked Template; parameters.py: declared and given parameters -> values
    intrinsics.py        Ref, Fn::Sub, Fn::If … over a Scope; references.py: what an expression mentions
    schemas.py           what AWS's resource schemas say of a type; plan.py: keep, update, replace …?

    resources.py         one resource, behind which stands one of three:
      moto_models.py       moto's model; deleters.py and setters.py do what moto's models do not
      nested.py            another stack: the port, which nested_stacks.py implements
      placeholders.py      nothing: an id and plausible attributes
    names.py             what a resource is called that the template does not name
    inventory.py         the resources a stack has; each way to change one, and its reversal
    deployment.py        one stack's resources: apply, undo, clean up, remove

    targets.py           what a stack is deployed from, checked before anything is created
    lifecycle.py         the states a stack goes through; exports.py: what stacks give each other
    stacks.py            the records that moto's wire reads; change_sets.py: an update, before it is done
    stack_store.py       the stacks of an account and region: made, found and shown
    nested_stacks.py     stacks within stacks
    stack_policy.py      which updates a stack's owner has forbidden
    pace.py              the time that an operation takes; stack_operations.py: what a call begins
    change_set_calls.py  CreateChangeSet, ExecuteChangeSet: what each refuses, and what it starts
    backend.py           CreateStack, UpdateStack … the same
    responses.py         the requests that moto's wire lacks or gets wrong
    installation.py      puts it all where moto has its own
"""
