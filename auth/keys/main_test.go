package keys

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"go.uber.org/goleak"
)

// The writers that the tests of the key file start, and kill, are this test binary itself.
const (
	writerPath = "GATEHOUSE_TEST_KEY_FILE"
	writerTask = "GATEHOUSE_TEST_WRITER"
	// addedByEach is how many keys a writer adds.
	addedByEach = 40
)

func TestMain(m *testing.M) {
	if task := os.Getenv(writerTask); task != "" {
		write(NewFile(os.Getenv(writerPath)), task)
		return
	}
	goleak.VerifyTestMain(m)
}

// write says on standard output what it has written, as soon as Update has returned. The task "count" counts up in the
// plan of the first key for ever; any other task adds some keys named for it.
func write(f *File, task string) {
	for i := 1; task == "count" || i <= addedByEach; i++ {
		var done string
		err := f.Update(func(d *Document) error {
			if task == "count" {
				n, _ := strconv.Atoi(d.Keys[0].Plan)
				done = strconv.Itoa(n + 1)
				d.Keys[0].Plan = done
				return nil
			}
			done = fmt.Sprintf("%s-%d", task, i)
			_, err := d.Add(Key{ID: done, Scopes: []string{"read"}}, Edit{Now: noon})
			return err
		})
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		fmt.Println(done)
	}
}
