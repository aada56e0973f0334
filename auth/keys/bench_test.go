package keys

import (
	"fmt"
	"runtime"
	"strconv"
	"testing"
)

// manyKeys makes n keys like those that `gatehouse key add` makes, and their secrets.
func manyKeys(n int) (keys []Key, secrets []string) {
	keys, secrets = make([]Key, n), make([]string, n)
	for i := range keys {
		random := fmt.Sprintf("%030d", i)
		sum := checksum(random)
		secrets[i] = SecretPrefix + random + string(sum[:])
		keys[i] = Key{
			ID:      "client-" + strconv.Itoa(i),
			Scopes:  []string{"read", "chat"},
			Plan:    "pro",
			Secrets: []Secret{{ID: "1", Hash: HashSecret(secrets[i]), Created: noon}},
		}
	}
	return keys, secrets
}

// BenchmarkFind compares rings of three sizes. "one" looks the same secret up again and again; "all" takes the secrets in
// an order that defeats the processor's cache, and "all/hash" only hashes them in that order, which is what reading the
// benchmark's own million strings costs; B/key is what the ring holds for each key.
func BenchmarkFind(b *testing.B) {
	wrong := "q6BdRzpMqkPCtl5KsQbzZp4H+f/l0S3KXvGHJHDKk0E="
	for _, n := range []int{1, 1000, 1_000_000} {
		keys, secrets := manyKeys(n)
		before := heap()
		r, err := NewRing(keys, nil)
		if err != nil {
			b.Fatal(err)
		}
		perKey := float64(heap()-before) / float64(n)
		underPepper, err := NewRing(keys[:1], pepper)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("keys=%d/one", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, outcome := r.Find(secrets[n/2], noon); outcome != Found {
					b.Fatal(outcome)
				}
			}
			b.ReportMetric(perKey, "B/key")
		})
		b.Run(fmt.Sprintf("keys=%d/all", n), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i = (i + 514229) % n {
				if _, outcome := r.Find(secrets[i], noon); outcome != Found {
					b.Fatal(outcome)
				}
			}
		})
		b.Run(fmt.Sprintf("keys=%d/all/hash", n), func(b *testing.B) {
			for i := 0; b.Loop(); i = (i + 514229) % n {
				HashSecret(secrets[i])
			}
		})
		b.Run(fmt.Sprintf("keys=%d/unknown", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, outcome := r.Find(wrong, noon); outcome != Unknown {
					b.Fatal(outcome)
				}
			}
		})
		if n == 1 {
			b.Run("keys=1/pepper", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, outcome := underPepper.Find(secrets[0], noon); outcome != Found {
						b.Fatal(outcome)
					}
				}
			})
		}
		runtime.KeepAlive(keys)
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkFindParallel shows whether noting the last use of one busy key costs its cache line.
func BenchmarkFindParallel(b *testing.B) {
	keys, secrets := manyKeys(1000)
	r, err := NewRing(keys, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r.Find(secrets[0], noon)
		}
	})
}

func BenchmarkParseDocument(b *testing.B) {
	keys, _ := manyKeys(1000)
	text, err := (&Document{Keys: keys}).Encode()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseDocument(text); err != nil {
			b.Fatal(err)
		}
	}
}
