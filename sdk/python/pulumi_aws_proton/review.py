"""`python -m pulumi_aws_proton.review < preview.json`: a preview as Markdown, for a comment on a pull request."""

import sys

from aws_proton_provider.review import main

if __name__ == "__main__":
    sys.exit(main())
