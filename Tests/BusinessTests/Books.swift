/// What must hold in the books at any time, as statements that count what is wrong.
enum Books {
    static let invariants = [
        (
            "balance = sum of entries",
            "select count(*) from wallets w where balance <> (select coalesce(sum(amount), 0) from wallet_entries e where e.wallet_id = w.id)"
        ),
        (
            "held = sum of open holds",
            "select count(*) from wallets w where held <> (select coalesce(sum(amount), 0) from wallet_holds h where h.wallet_id = w.id and state = 'held')"
        ),
        ("never overdrawn", "select count(*) from wallets where balance - held < -credit_limit"),
        (
            "no balance on the way was overdrawn",
            "select count(*) from wallet_entries e join wallets w on w.id = e.wallet_id where e.balance_after < -w.credit_limit"
        ),
        (
            "entries are numbered without a gap, and each balance follows from the one before",
            """
            select count(*) from (
                select number, balance_after, amount, row_number() over w as expected, coalesce(lag(balance_after) over w, 0) as before
                from wallet_entries window w as (partition by wallet_id order by number)) x
            where number <> expected or balance_after <> before + amount
            """
        ),
        (
            "the wallet knows how many entries it has",
            "select count(*) from wallets w where entries <> (select count(*) from wallet_entries where wallet_id = w.id)"
        ),
        (
            "a low wallet is marked",
            "select count(*) from wallets where (low_since is not null) is distinct from (balance - held + credit_limit < low_balance) and low_balance is not null"
        ),
    ]
}
