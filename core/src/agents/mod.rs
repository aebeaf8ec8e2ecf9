//! From objects to rules, routes, sets and configuration.
