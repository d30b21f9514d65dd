import JSON
import Testing

@Suite struct ObjectTests {
    @Test func `members are found, replaced and removed, in small objects and in large ones`() {
        for size in [3, 16, 17, 40] {
            var object = JSONObject((0..<size).map { ("k\($0)", .int(Int64($0))) })
            #expect(object.count == size)
            #expect(object["k2"] == 2)
            #expect(object["none"] == nil)
            object["k1"] = "new"
            #expect(object.members[1] == JSONObject.Member(key: "k1", value: "new"))
            object["k0"] = nil
            #expect(object["k0"] == nil)
            #expect(object.keys.first == "k1")
            #expect(object["k2"] == 2)
            let isNew = object.append("k0", true)
            let isNewAgain = object.append("k0", false)
            #expect(isNew && !isNewAgain)
            #expect(object["k0"] == true)
            #expect(object.keys.last == "k0")
        }
    }

    @Test func `of two pairs with one key the later counts`() {
        #expect(JSONObject([("a", 1), ("b", 2), ("a", 3)]).members.map(\.value) == [3, 2])
    }

    @Test func `objects are equal in any order`() {
        let pairs = (0..<50).map { ("k\($0)", JSONValue.int(Int64($0))) }
        let left = JSONObject(pairs)
        let right = JSONObject(pairs.shuffled())
        #expect(left == right)
        #expect(left.hashValue == right.hashValue)
        #expect(Set([JSONValue.object(left), JSONValue.object(right)]).count == 1)
    }

    @Test func `accessors answer nil for what is not there`() {
        let value: JSONValue = ["a": ["b": [1, 2.0, 2.5, "s", true, nil]]]
        let list = value["a"]?["b"]
        #expect(list?[0]?.int == 1)
        #expect(list?[1]?.int == 2)
        #expect(list?[2]?.int == nil)
        #expect(list?[2]?.double == 2.5)
        #expect(list?[0]?.double == 1)
        #expect(list?[3]?.string == "s")
        #expect(list?[4]?.bool == true)
        #expect(list?[5]?.isNull == true)
        #expect(list?[6] == nil)
        #expect(list?[-1] == nil)
        #expect(value["x"] == nil)
        #expect(value["a"]?.string == nil)
        #expect(list?.array?.count == 6)
    }

    @Test func `setting a member through the value changes the object`() {
        var value: JSONValue = ["a": 1]
        value["b"] = 2
        value["a"] = nil
        value["c"] = .null
        #expect(value.text == #"{"b":2,"c":null}"#)
    }
}
