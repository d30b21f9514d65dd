internal import Bytes
internal import Postgres

extension Products {
    /// Takes from the stock, or refuses; the row stays locked until the transaction ends, so this comes after the wallet's lock and as late as can be.
    ///
    /// - Throws: `BusinessError` `out_of_stock`.
    func takeStock(_ quantity: Int, of product: Product, on connection: Connection) throws {
        guard product.stock != nil else { return }
        if try connection.run(SQL.Products.takeStock, product.id, quantity).isEmpty {
            throw BusinessError(.conflict, "out_of_stock", "Not enough of this product is left.", field: "/quantity")
        }
    }

    /// Puts back what an order that was never filled had taken.
    func returnStock(_ quantity: Int, of productID: Identifier, on connection: Connection) throws {
        try connection.run(SQL.Products.returnStock, productID, quantity)
    }
}
