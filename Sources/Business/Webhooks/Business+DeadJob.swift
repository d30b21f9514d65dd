internal import Bytes
package import Engine
internal import JSON
package import Postgres

extension Business {
    /// Tells the job's account of its death, in the transaction that buries it.
    ///
    /// The death of a delivery is not an event: it would be delivered to the endpoint that just failed. Its delivery is marked failed instead.
    package func announce(dead job: DeadJob, on connection: Connection) throws {
        if job.kind == "webhook.deliver" {
            // Most have said so themselves, with their last attempt; a delivery whose worker died again and again has not.
            guard let text = try ledger.find(job.id, on: connection)?.payload["deliveryId"]?.string, let id = Identifier(text, prefix: "msg") else {
                return
            }
            try connection.run(SQL.WebhookDeliveries.failByJob, id, job.id)
            return
        }
        guard let account = job.accountID else { return }
        try webhooks.emit(
            .jobDead, account: account,
            data: [
                "jobId": .string(job.id.text("job")), "kind": .string(job.kind), "queue": .string(job.queue), "attempts": .int(Int64(job.attempts)),
                "error": ["code": .string(job.errorCode), "message": .string(job.error)],
            ], on: connection)
    }
}
