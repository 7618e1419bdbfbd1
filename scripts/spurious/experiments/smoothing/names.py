"""Names that settings, rows and tables of the sweep share: a table that needs one does not depend on the settings."""

PUBLISHED = "published"  # the variant that is run with all seeds; the tables are about it, unless they compare variants
