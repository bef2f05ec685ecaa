import marimo

app = marimo.App(width="medium", app_title="AIPL and FAST")


@app.cell(hide_code=True)
def _(mo):
    mo.md(
        """
        # AIPL and FAST in a notebook

        The current release, read-only. Run all cells again to see the next one: an open connection stays
        on its release.
        """
    )
    return


@app.cell
def _():
    import os
    from pathlib import Path

    import duckdb
    import marimo as mo
    import plotly.express as px

    # The next publish moves the symlink `current`: resolved once, all cells read the same release.
    release = (Path(os.environ.get("AIPL_HOME", "data")) / "published" / "current").resolve()
    marts = duckdb.connect(str(release / "marts.duckdb"), read_only=True)
    return marts, mo, px, release


@app.cell
def _(marts, mo, release):
    brands = marts.sql("select brand_id from dim_brand where horizon is not null order by 1").df()
    brand = mo.ui.dropdown(options=list(brands.brand_id), value=brands.brand_id[0], label="Brand")
    mo.hstack([brand, mo.md(f"Release `{release.name}`")], justify="start")
    return (brand,)


@app.cell(hide_code=True)
def _(mo):
    mo.md("""## Stock: how many people are in each stage at the end of each day?""")
    return


@app.cell
def _(brand, marts):
    stock = marts.execute(
        """
        select as_of_date, stage, persons
        from fct_aipl_daily
        where preset = 'consumer_asset' and brand_id = ?
        order by as_of_date, stage_rank
        """,
        [brand.value],
    ).df()
    stock
    return (stock,)


@app.cell
def _(px, stock):
    px.area(stock, x="as_of_date", y="persons", color="stage", title="AIPL stock")
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""## Flow: who moved where in the last complete month?""")
    return


@app.cell
def _(brand, marts):
    marts.execute(
        """
        select from_stage, to_stage, movement, persons
        from fct_aipl_flow
        where preset = 'consumer_asset' and brand_id = ? and period_type = 'month'
        qualify period_start = max(period_start) over ()
        order by persons desc, from_stage, to_stage
        """,
        [brand.value],
    ).df()
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""## FAST: the last eight complete weeks""")
    return


@app.cell
def _(brand, marts):
    marts.execute(
        """
        select period_start, fertility_end, advancing_rate, superiority_members, thriving_rate
        from fct_fast
        where preset = 'consumer_asset' and brand_id = ? and period_type = 'week'
        order by period_start desc
        limit 8
        """,
        [brand.value],
    ).df()
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""## People: whose loyalty ends next without new activity, and why are they loyal?""")
    return


@app.cell
def _(brand, marts):
    ending = marts.execute(
        """
        select
            history.person_id, history.valid_from as loyal_since, history.valid_to as ends_on, brands.horizon
        from fct_aipl_stage_history as history
        inner join dim_brand as brands on history.brand_id = brands.brand_id
        where history.preset = 'consumer_asset' and history.brand_id = ? and history.stage = 'L'
            and history.valid_from <= brands.horizon and history.valid_to > brands.horizon
        order by history.valid_to, history.person_id
        limit 5
        """,
        [brand.value],
    ).df()
    ending
    return (ending,)


@app.cell
def _(brand, ending, marts, mo):
    # A brand may have no loyal customers.
    mo.stop(ending.empty)
    marts.execute(
        """
        select rule_id, stage, decides, evidence_days, first_evidence, last_evidence, expires_on
        from aipl_explain(?, ?)
        where preset = 'consumer_asset' and brand_id = ?
        order by decides desc, rule_id
        """,
        [ending.person_id[0], ending.horizon[0].date(), brand.value],
    ).df()
    return


if __name__ == "__main__":
    app.run()
