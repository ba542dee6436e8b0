package main

import (
	"context"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
)

func groupFields(info *types.GroupInfo) object {
	members := make([]object, 0, len(info.Participants))
	for _, member := range info.Participants {
		members = append(members, object{
			"jid": member.JID.String(), "phone": member.PhoneNumber.String(),
			"lid": member.LID.String(), "admin": member.IsAdmin, "error": member.Error,
		})
	}
	return object{"group": info.JID.String(), "name": info.Name,
		"addressing": string(info.AddressingMode), "participants": members}
}

func (p *peer) runGroup(ctx context.Context, cmd *command) (object, error) {
	jids, err := parseJIDs(cmd.Participants)
	if err != nil {
		return nil, err
	}
	if cmd.Cmd == "createGroup" {
		info, err := p.client.CreateGroup(ctx,
			whatsmeow.ReqCreateGroup{Name: cmd.Name, Participants: jids})
		if err != nil {
			return nil, err
		}
		return groupFields(info), nil
	}
	if cmd.Cmd == "groups" {
		return p.joinedGroups(ctx)
	}
	group, err := types.ParseJID(cmd.Group)
	if err != nil {
		return nil, err
	}
	if cmd.Cmd == "groupParticipants" {
		changed, err := p.client.UpdateGroupParticipants(ctx, group, jids,
			whatsmeow.ParticipantChange(cmd.Action))
		if err != nil {
			return nil, err
		}
		return groupFields(&types.GroupInfo{JID: group, Participants: changed}), nil
	}
	info, err := p.client.GetGroupInfo(ctx, group)
	if err != nil {
		return nil, err
	}
	return groupFields(info), nil
}

func (p *peer) joinedGroups(ctx context.Context) (object, error) {
	joined, err := p.client.GetJoinedGroups(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]object, 0, len(joined))
	for _, info := range joined {
		list = append(list, groupFields(info))
	}
	return object{"groups": list}, nil
}

func (p *peer) runUsers(ctx context.Context, cmd *command) (object, error) {
	if cmd.Cmd == "onWhatsApp" {
		found, err := p.client.IsOnWhatsApp(ctx, cmd.Users)
		if err != nil {
			return nil, err
		}
		list := make([]object, 0, len(found))
		for _, user := range found {
			list = append(list, object{"query": user.Query, "jid": user.JID.String(), "exists": user.IsIn})
		}
		return object{"users": list}, nil
	}
	jids, err := parseJIDs(cmd.Users)
	if err != nil {
		return nil, err
	}
	if cmd.Cmd == "devices" {
		devices, err := p.client.GetUserDevices(ctx, jids)
		if err != nil {
			return nil, err
		}
		return object{"devices": jidStrings(devices)}, nil
	}
	infos, err := p.client.GetUserInfo(ctx, jids)
	if err != nil {
		return nil, err
	}
	users := object{}
	for jid, info := range infos {
		users[jid.String()] = object{"devices": jidStrings(info.Devices), "lid": info.LID.String()}
	}
	return object{"users": users}, nil
}
