"""Count views of listings and fold the counts into the pages once a minute."""

from collections import Counter

from sandbox.state import Database

FOLD_EVERY_S = 60.0


class Tallies:
    """Figures shown as of the last full minute, as shops do: a page that changed with every view could not be kept."""

    def __init__(self) -> None:
        self._views: Counter[str] = Counter()

    def count_view(self, listing_id: str) -> None:
        """Remember one view of a listing."""
        self._views[listing_id] += 1

    def fold(self, db: Database) -> None:
        """Write down the views counted since, and how many active listings each category has."""
        for listing_id, views in self._views.items():
            row = db.row("SELECT wallet FROM listings WHERE id = ?", listing_id)
            if row is not None:
                touched = (f"listing:{listing_id}", f"listings:{row['wallet']}")
                db.write("UPDATE listings SET views = views + ? WHERE id = ?", views, listing_id, touch=touched)
        self._views.clear()
        db.write(
            "UPDATE categories SET listings ="
            " (SELECT count(*) FROM listings WHERE category = categories.id AND status = 'active')",
            touch=("categories",),
        )
