"""Daily GMV of each brand, forecast as a series by statsmodels: additive ETS, weekly season, damped trend.

One fit a brand and origin, on the days up to the origin. The sums of simulated paths give the quantiles.
"""

from typing import Any

SEASON_DAYS = 7
LEAST_DAYS = 56
# A series of mostly nothing has no level, trend or season; hundreds of such brands would take minutes.
LEAST_PURCHASE_DAYS = 14
PATHS = 1000
SEED = 20240901


def model(dbt: Any, session: Any) -> Any:
    """One row per brand, origin and horizon."""
    import pyarrow

    dbt.config(materialized="table")
    days: dict[str, list[tuple[Any, Any]]] = {}
    for brand_id, gmv_date, gmv in rows(dbt.ref("int_gmv_days"), "brand_id, gmv_date, gmv"):
        days.setdefault(brand_id, []).append((gmv_date, gmv))
    horizons: dict[tuple[str, Any], list[int]] = {}
    origins = dbt.ref("int_gmv_origins").filter("is_reported")
    for brand_id, as_of_date, horizon_days in rows(origins, "brand_id, as_of_date, horizon_days"):
        horizons.setdefault((brand_id, as_of_date), []).append(horizon_days)

    found = []
    for (brand_id, as_of_date), asked in horizons.items():
        history = [gmv for gmv_date, gmv in days[brand_id] if gmv_date <= as_of_date]
        for horizon_days, (status, *figures) in forecast(history, asked).items():
            found.append((brand_id, as_of_date, horizon_days, status, *figures))
    schema = pyarrow.schema(
        [("brand_id", "string"), ("as_of_date", "date32"), ("horizon_days", "int32"), ("status", "string")]
        + [(name, "float64") for name in ("point_forecast", "p10", "p50", "p90")]
    )
    columns = zip(*found, strict=True) if found else [[] for _ in schema]
    return pyarrow.table([list(column) for column in columns], schema=schema)


def rows(relation: Any, columns: str) -> list[tuple[Any, ...]]:
    """The rows of a relation, in the order of the columns: equal content must give equal forecasts."""
    return relation.project(columns).order(columns).fetchall()


def forecast(history: list[Any], horizons: list[int]) -> dict[int, tuple[Any, ...]]:
    """By horizon: status, point forecast, P10, P50 and P90 of the sum of the days to come."""
    nothing = (None, None, None, None)
    if None in history:
        return dict.fromkeys(horizons, ("amounts_unknown", *nothing))
    if len(history) < LEAST_DAYS:
        return dict.fromkeys(horizons, ("history_too_short", *nothing))
    if sum(gmv > 0 for gmv in history) < LEAST_PURCHASE_DAYS:
        return dict.fromkeys(horizons, ("too_few_purchases", *nothing))
    mean, paths = simulate([float(gmv) for gmv in history], max(horizons))
    if paths is None:
        return dict.fromkeys(horizons, ("not_converged", *nothing))
    return {days: ("ok", *figures(mean[:days], paths[:days])) for days in horizons}


def simulate(history: list[float], days: int) -> tuple[Any, Any]:
    """Mean and simulated paths of the days to come; no paths where the fit does not converge.

    The states before the first day are heuristic: estimating them takes ten times as long and changes little.
    """
    import warnings

    import numpy
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    series = ETSModel(
        numpy.array(history),
        error="add",
        trend="add",
        damped_trend=True,
        seasonal="add",
        seasonal_periods=SEASON_DAYS,
        initialization_method="heuristic",
    )
    # What the warnings say is in the status.
    with warnings.catch_warnings(), numpy.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            fit = series.fit(disp=False)
        except (ValueError, ArithmeticError, numpy.linalg.LinAlgError):
            return None, None
        paths = fit.simulate(days, anchor="end", repetitions=PATHS, rng=numpy.random.default_rng(SEED))
        mean = fit.forecast(days)
    if not fit.mle_retvals["converged"] or not (numpy.isfinite(paths).all() and numpy.isfinite(mean).all()):
        return None, None
    return mean, paths


def figures(mean: Any, paths: Any) -> list[float]:
    """Point forecast and quantiles; a sum of money below 0 cannot come, so it counts as 0."""
    import numpy

    quantiles = numpy.quantile(paths.sum(axis=0), [0.1, 0.5, 0.9])
    return [round(max(float(figure), 0.0), 4) for figure in (mean.sum(), *quantiles)]
