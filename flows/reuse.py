"""What other runs have decided, taken over: correction images, quality rules and their thresholds, scaling."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flows.config import Config
from flows.groups import present_groups
from tasks.core.decision import Decision
from tasks.core.layout import Layout
from tasks.illumination.config import Use as UseIllumination
from tasks.illumination.files import Lit
from tasks.illumination.published import PublishedCorrections, check_fits, read_published
from tasks.illumination.published import find_corrections as find_list
from tasks.ingest.listing import Ingested
from tasks.normalize import Scaling, read_scaling
from tasks.normalize import Use as UseScaling
from tasks.normalize import check_fits as check_scaling_fits
from tasks.quality.config import Quality, check_quality
from tasks.quality.reuse import fitted, read_decision


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCorrections:
    """Another run's correction images: all of them, and the files of those that this run needs."""

    published: PublishedCorrections
    files: dict[Lit, Path]


def check_reused(config: Config, *, listed: Ingested, images: pl.LazyFrame, layout: Layout) -> None:
    """Refuse decisions of other runs that are not there or do not fit, before anything is computed.

    Parameters
    ----------
    images
        Their table.

    Raises
    ------
    InputError, ConfigError
        Naming the key, what was got and what would do.
    """
    if isinstance(config.illumination, UseIllumination):
        find_corrections(config.illumination, listed=listed, images=images)
    if config.quality is not None:
        find_rules(config.quality, images=images, layout=layout)
    if isinstance(config.normalize, UseScaling):
        find_scaling(config.normalize, listed=listed, images=images)


def find_corrections(config: UseIllumination, *, listed: Ingested, images: pl.LazyFrame) -> FoundCorrections:
    """Find another run's correction images, of the groups that this one has."""
    path = find_list(config)
    published = read_published(path)
    groups = present_groups(images, group_by=published.group_by)
    shape = (listed.height, listed.width)
    check_fits(published, path=path, channels=listed.channels.names, groups=groups, shape=shape)
    files = {lit: path.parent / one.file for lit, one in published.lits().items() if lit.group in groups}
    return FoundCorrections(published=published, files=files)


def find_rules(config: Quality, *, images: pl.LazyFrame, layout: Layout) -> tuple[Quality, Decision | None]:
    """Return the rules to apply, and where they are another run's, their thresholds too."""
    if not config.use:
        return config, None
    rules, decision = read_decision(config.use)
    rules = rules.model_copy(update={"allow_none": config.allow_none})
    check_quality(rules, channels=layout.channels, regions=layout.regions, groups=layout.groups)
    decision = fitted(
        decision,
        config=rules,
        default_region=layout.regions[0],
        stamps=layout.stamps,
        groups=lambda group_by: present_groups(images, group_by=group_by),
    )
    return rules, decision


def find_scaling(config: UseScaling, *, listed: Ingested, images: pl.LazyFrame) -> Scaling:
    """Find another run's scaling, of this one's channels."""
    scaling = read_scaling(config.use)
    names = tuple(name for name in scaling.group_by if name in listed.groups)
    rows = sorted(present_groups(images, group_by=names))
    groups = pl.DataFrame(rows, schema=[f"meta__{name}" for name in names], orient="row")
    check_scaling_fits(scaling, channels=listed.channels.names, images=groups)
    return scaling.narrowed(listed.channels.names)
