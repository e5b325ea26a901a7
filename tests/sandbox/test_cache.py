"""Keep pages as long as they are true, and no longer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.cache import PageCache

TAGS = ("profile:a", "listings:a")


def test_page_is_found_until_one_of_its_tags_is_touched() -> None:
    cache = PageCache()
    cache.keep("/a?", b"old", cache.versions(TAGS))
    assert cache.find("/a?", TAGS) is not None
    cache.touch(["orders:a", "profile:b"])
    assert cache.find("/a?", TAGS) is not None
    cache.touch(["listings:a"])
    assert cache.find("/a?", TAGS) is None
    assert (cache.hits, cache.misses) == (2, 1)


def test_page_computed_before_a_write_and_kept_after_it_is_never_found() -> None:
    cache = PageCache()
    versions = cache.versions(TAGS)
    cache.touch(["profile:a"])
    cache.keep("/a?", b"computed before the write", versions)
    assert cache.find("/a?", TAGS) is None


def test_query_makes_another_page() -> None:
    cache = PageCache()
    cache.keep("/a?u=1", b"x", cache.versions(TAGS))
    assert cache.find("/a?u=2", TAGS) is None


def test_cache_is_bounded_by_size_and_drops_the_least_used() -> None:
    cache = PageCache(size_at_most_bytes=4_000)
    for number in range(10):
        cache.keep(f"/{number}?", b"x" * 500, cache.versions(TAGS))  # 1,000 bytes each with bookkeeping
    assert cache.size_bytes <= 4_000
    assert [number for number in range(10) if cache.find(f"/{number}?", TAGS)] == [6, 7, 8, 9]


def test_page_larger_than_the_cache_is_not_kept() -> None:
    cache = PageCache(size_at_most_bytes=1_000)
    cache.keep("/a?", b"x" * 501, cache.versions(TAGS))
    assert cache.find("/a?", TAGS) is None
    cache.keep("/b?", b"x" * 500, cache.versions(TAGS))
    assert cache.find("/b?", TAGS) is not None


def test_page_leaves_after_its_time() -> None:
    cache = PageCache(ttl_s=0.0)
    cache.keep("/a?", b"x", cache.versions(TAGS))
    assert cache.find("/a?", TAGS) is None


@given(st.lists(st.tuples(st.sampled_from(["read", "write"]), st.sampled_from("abc"))))
def test_hit_is_always_the_latest_value(actions: list[tuple[str, str]]) -> None:
    cache, values = PageCache(), dict.fromkeys("abc", 0)
    for action, name in actions:
        tags = (f"profile:{name}",)
        if action == "write":
            values[name] += 1
            cache.touch(tags)
            continue
        page = cache.find(name, tags)
        if page is None:
            page = cache.keep(name, str(values[name]).encode(), cache.versions(tags))
        assert page.body == str(values[name]).encode()


@pytest.mark.parametrize("body", [b"", b"a", b"b"])
def test_etag_depends_on_the_body_alone(body: bytes) -> None:
    first, second = (PageCache().keep(key, body, ()).etag for key in ("/x?", "/y?"))
    assert first == second
    assert first != PageCache().keep("/x?", body + b"!", ()).etag
