"""Write down the images of a run, once for all of its tasks."""

from prefect import task

from tasks.ingest.listing import ImageListing


@task(name="ingest")
def write_listing(*, listing: ImageListing) -> None:
    """Write the tables of images and of those that cannot be put together."""
    listing.write()
