// Rule 5 for observations.

extension Checker {
    /// Checks what observations delivered.
    ///
    /// Each value is of the state in which it was taken, and differs from the value before. No
    /// state is earlier than the one before. When a process has taken all values, the last one is
    /// that of the newest state.
    mutating func checkObservations() {
        for read in history.observations {
            let (request, results) = (read.request, read.results)
            let places = window(read.invoked, read.completed)
            var placeMin = places.lowerBound
            let deliveries = results.deliveries ?? []
            let last = Delivery(
                sequence: results.sequence ?? 0, orders: results.orders, open: results.open)
            for delivery in deliveries + [last] {
                let place = place(of: delivery.sequence)
                let name = "commit \(delivery.sequence), step \(read.invoked)"
                if place < placeMin || place > places.upperBound {
                    add(.snapshot, "an observation is too old or too new", name)
                }
                placeMin = max(placeMin, place)
                if !Self.isValue(delivery, of: request, in: states[place]) {
                    add(.snapshot, "an observation has another value", name)
                }
            }
            for (before, delivery) in zip(deliveries, deliveries.dropFirst())
            where before.orders == delivery.orders && before.open == delivery.open {
                add(
                    .snapshot, "an observation delivers the same value again",
                    "commit \(delivery.sequence), step \(read.invoked)")
            }
        }
    }

    /// Whether a value of what a command observes is that of a state.
    private static func isValue(
        _ delivery: Delivery, of request: Request, in model: Model
    ) -> Bool {
        if let number = request.orders?.first {
            return delivery.orders == [model.items[Order.key(number)]?.order?.fields]
        }
        let open = model.openOrders(at: request.sites?.first).compactMap { $0.order?.fields }
        return delivery.open == [open]
    }
}
