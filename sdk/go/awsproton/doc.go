// AWS Proton environments, environment account connections and account settings.
package awsproton
