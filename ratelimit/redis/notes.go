package redis

import (
	"context"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// What one gate has to tell the others goes into a stream of the server, which
// each gate reads when it looks whether the server is there.

const (
	// beginning is before the first note of a stream.
	beginning = "0-0"
	// A note is kept for an hour, and of many the last thousand are.
	noteLife  = time.Hour
	mostNotes = 1000
)

func (s *Store) notesKey() string { return "{" + s.prefix + "}:resets" }

// announce adds a note for the other gates to what is about to be done.
func (s *Store) announce(ctx context.Context, p goredis.Pipeliner, note string) {
	p.XAdd(ctx, &goredis.XAddArgs{Stream: s.notesKey(), MaxLen: mostNotes, Values: []string{"gate", s.self, "client", note}})
	p.Expire(ctx, s.notesKey(), noteLife)
}

// hear reads what other gates have told since the last time. A server that
// fails meanwhile is noticed by what is next asked of it.
func (s *Store) hear(client *goredis.Client) {
	s.mu.Lock()
	since := s.heard
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), s.budget)
	defer cancel()
	streams, err := client.XRead(ctx, &goredis.XReadArgs{Streams: []string{s.notesKey(), since}, Count: mostNotes, Block: -1}).Result()
	if err != nil {
		return // of goredis.Nil: there is none
	}
	last := since
	for _, stream := range streams {
		for _, message := range stream.Messages {
			last = message.ID
			gate, _ := message.Values["gate"].(string)
			if note, ok := message.Values["client"].(string); ok && gate != s.self {
				s.observer.Reset(note)
			}
		}
	}
	s.mu.Lock()
	if s.heard == since { // or the server has been emptied meanwhile
		s.heard = last
	}
	s.mu.Unlock()
}
