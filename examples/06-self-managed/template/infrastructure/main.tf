# `var.environment` is declared by Proton, in proton.environment.variables.tf. `terraform_data` comes with
# Terraform itself, so this template needs no provider and no account; yours has the real thing.
resource "terraform_data" "network" {
  input = {
    cidr_block = var.environment.inputs.cidr_block
    zones      = var.environment.inputs.zones
  }
}
