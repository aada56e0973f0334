package keys

import "testing"

func TestBits(t *testing.T) {
	made, err := NewSecret()
	if err != nil {
		t.Fatal(err)
	}
	for secret, want := range map[string][2]int{
		made:                    {178, 178},
		"":                      {0, 0},
		"aaaaaaaaaaaaaaaaaaaaa": {0, 0},
		"passwordpassword1":     {40, 60},
		"password-password":     {40, 60},
		"agk_mistyped-guessed":  {60, 80},
		"tVJ1FMNdAxJyHUYQT4mQMkcXYGe+57z1Hz0oIFLoaWs=": {180, 240}, // openssl rand -base64 32
		"9f86d081884c7d659a2feaa0c55ad015":             {100, 128}, // openssl rand -hex 16
	} {
		if got := Bits(secret); got < want[0] || got > want[1] {
			t.Errorf("%s: %d bits", secret, got)
		}
	}
}
