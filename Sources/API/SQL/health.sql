-- name: ping
-- That a statement comes back, not only that a connection stands.
select 1 as pong
