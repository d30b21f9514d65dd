import Bytes

@testable import Engine
@testable import RabbitMQ

extension ClaimRequest {
    /// A job of which a message has told, with one job in it.
    static func told(id: Identifier, publish: Int64, kind: String) -> ClaimRequest {
        var request = ClaimRequest(id: id, publish: publish, kind: kind)
        request.receipt = Receipt(connection: 1, tag: DeliveryTag(channel: Channel(number: 1, generation: 1), number: 1), jobs: 1)
        return request
    }
}
