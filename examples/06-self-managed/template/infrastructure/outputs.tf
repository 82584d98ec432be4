output "cidr_block" {
  value = terraform_data.network.output.cidr_block
}

output "zones" {
  value = terraform_data.network.output.zones
}
