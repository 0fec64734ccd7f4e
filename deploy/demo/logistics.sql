-- The hub's destination for freight locations: a table with rules of its own.
create table if not exists locations (
    icao       text primary key,
    iata       text,
    name       text not null,
    city       text,
    subd       text,
    country    text not null,
    elevation  numeric,
    lat        numeric not null,
    lon        numeric not null,
    tz         text not null,
    updated_at timestamptz not null default now(),
    constraint locations_name_is_given check (name <> ''),
    constraint locations_country_is_two_capital_letters check (country ~ '^[A-Z]{2}$'),
    constraint locations_position_is_on_earth
        check (lat between -90 and 90 and lon between -180 and 180)
);
