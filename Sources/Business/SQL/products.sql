-- Products with the price that holds for an account: its own override, or that of the nearest ancestor that has one, or the product's.

-- part: priced
select p.id, p.code, p.name, p.family, p.proxy_type, p.provider_id, v.name as provider_name, v.driver, v.active as provider_active, p.provider_product,
       p.currency, p.pricing, o.pricing as override, p.included_bytes, p.limits, p.features, p.countries, p.stock, p.minimum_quantity,
       p.maximum_quantity, p.validity_days, p.active, p.created_at, p.updated_at
from products p
join providers v on v.id = p.provider_id
left join lateral (
    select x.pricing from price_overrides x
    join account_tree t on t.ancestor_id = x.account_id and t.account_id = $1
    where x.product_id = p.id
    order by t.depth limit 1
) o on true

-- name: list
-- with: priced
where (p.active or $2) and ($3::text is null or p.family = $3) and ($4::text is null or p.proxy_type = $4)
order by p.family, p.name, p.code

-- name: find
-- with: priced
where p.code = $2 or p.id = $3

-- name: lock
select id from products where code = $1 for update

-- name: insert
insert into products (id, code, name, family, proxy_type, provider_id, provider_product, currency, pricing, included_bytes, limits, features, countries,
                      stock, minimum_quantity, maximum_quantity, validity_days, active, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $19)
on conflict (code) do nothing
returning id

-- name: update
update products
set name = $2, provider_product = $3, pricing = $4, included_bytes = $5, limits = $6, features = $7, countries = $8, stock = $9, minimum_quantity = $10,
    maximum_quantity = $11, validity_days = $12, active = $13, updated_at = $14
where id = $1

-- Takes from the stock what is there; no row: not enough is left. A stock of null is without end and is not written.
-- name: takeStock
update products set stock = stock - $2::integer where id = $1 and stock >= $2::integer returning id

-- name: returnStock
update products set stock = stock + $2::integer where id = $1 and stock is not null

-- name: setOverride
insert into price_overrides (product_id, account_id, pricing) values ($1, $2, $3)
on conflict (product_id, account_id) do update set pricing = excluded.pricing

-- name: removeOverride
delete from price_overrides where product_id = $1 and account_id = $2
