"""Put the deployment's router and pipeline together."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from sandbox.control import Control
from sandbox.control_routes import control_routes
from sandbox.deployed.keeps import Keep
from sandbox.deployed.monitoring import Monitor
from sandbox.deployed.pipeline import DeployedPipeline, Layers
from sandbox.deployed.population import populate
from sandbox.deployed.routes import deployed_routes
from sandbox.deployed.routing import DeployedRouter
from sandbox.deployed.state import Backstage
from sandbox.limits import Dialect, Limit, Limiter
from sandbox.options import Options
from sandbox.pipeline import Pipeline
from sandbox.routes import AUTH_LIMIT, ROUTES
from sandbox.routing import Route, Router

_IN_THE_CACHE = (Dialect.REDIS, Dialect.SLIDING)


def deployment(control: Control, options: Options, die: Callable[[], None]) -> tuple[Router, Pipeline]:
    """Return router and pipeline of a sandbox that answers as LinkDAO does; ``die`` is what a canary does."""
    layers = Layers(Keep(), Keep())
    backstage = Backstage(layers.inner, options.seed_orders)
    monitor = Monitor(control, (layers.outer, layers.inner))
    populate(control.shop, options.others, control.chaos.now_ms())
    routes = deployed_routes((*ROUTES, *control_routes(control)), backstage, monitor)
    limiter = Limiter(lambda: control.chaos.now_ms() / 1000)
    pipeline = DeployedPipeline(control, limiter, options.service_time_s, layers, die, options.seed)
    return DeployedRouter(_limited(routes, options)), pipeline


def _limited(routes: Iterable[Route], options: Options) -> Iterable[Route]:
    """Keep the limits that are on: sign-in's always, most others stand and fall with the cache they count in."""

    def is_on(limit: Limit) -> bool:
        if limit.name == AUTH_LIMIT.name:
            return True
        return options.rate_limits and (options.cache or limit.dialect not in _IN_THE_CACHE)

    return (replace(route, limits=tuple(limit for limit in route.limits if is_on(limit))) for route in routes)
