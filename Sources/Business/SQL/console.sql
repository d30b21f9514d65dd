-- The operator's command line.

-- name: operatorAccount
select id from accounts where type = 'operator'

-- name: userNamed
select id from users where username = $1
