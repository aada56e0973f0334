package window

// CellOf is the identity of the shared cell of the client's network.
func (t *Table) CellOf(c Client) ID { return t.cell(c) }
